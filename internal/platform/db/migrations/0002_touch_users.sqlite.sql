-- users.updated_at moves on every update, also on one made by hand, and never back.
-- works-with: 1

CREATE TRIGGER users_touch AFTER UPDATE ON users FOR EACH ROW
WHEN NEW.updated_at = OLD.updated_at
BEGIN
    UPDATE users
    SET updated_at = max({{now}}, coalesce(strftime('%Y-%m-%d %H:%M:%f000', OLD.updated_at, '+0.001 seconds'), ''))
    WHERE id = NEW.id;
END;

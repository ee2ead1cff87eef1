package sqliteconn

import (
	"database/sql"
	"database/sql/driver"
	"fmt"
	"reflect"
	"time"
)

// timeFormat is how SQLite keeps times: UTC, fixed width, microseconds, so that text order is time order.
const timeFormat = "2006-01-02 15:04:05.000000"

// bindAll turns arguments into what the SQLite driver takes, in place of an earlier call's values.
func bindAll(into []driver.NamedValue, args []any) ([]driver.NamedValue, error) {
	into = into[:0]
	for i, arg := range args {
		v, err := bind(arg)
		if err != nil {
			return into, fmt.Errorf("argument $%d: %w", i+1, err)
		}
		into = append(into, driver.NamedValue{Ordinal: i + 1, Value: v})
	}
	return into, nil
}

// bind turns one argument into what the SQLite driver takes.
func bind(arg any) (driver.Value, error) {
	switch v := arg.(type) {
	case nil:
		return nil, nil
	case string:
		return v, nil
	case int64:
		return v, nil
	case []byte:
		if v == nil {
			return nil, nil
		}
		return v, nil
	case time.Time:
		return formatTime(v)
	case *time.Time:
		if v == nil {
			return nil, nil
		}
		return formatTime(*v)
	case driver.Valuer:
		return v.Value()
	}
	return bindKind(reflect.ValueOf(arg))
}

// bindKind takes the named types and the pointers.
func bindKind(v reflect.Value) (driver.Value, error) {
	switch v.Kind() {
	case reflect.String:
		return v.String(), nil
	case reflect.Bool:
		return v.Bool(), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return v.Int(), nil
	case reflect.Uint8, reflect.Uint16, reflect.Uint32:
		return int64(v.Uint()), nil
	case reflect.Pointer:
		if v.IsNil() {
			return nil, nil
		}
		return bind(v.Elem().Interface())
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return bind(v.Bytes())
		}
	}
	return nil, fmt.Errorf("a %s cannot be stored: want a string, an integer, a bool, bytes, a time or nil", v.Type())
}

// formatTime writes a time as SQLite keeps it.
func formatTime(t time.Time) (driver.Value, error) {
	t = t.UTC()
	if t.Year() < 0 || t.Year() > 9999 {
		return nil, fmt.Errorf("the year %d does not fit a time of fixed width", t.Year())
	}
	return t.Format(timeFormat), nil
}

// parseTime reads what formatTime, a column's default or CURRENT_TIMESTAMP wrote.
func parseTime(s string) (time.Time, error) {
	t, err := time.Parse(time.DateTime, s) // takes a fraction of any length as well
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is not a time: want the form %q", s, timeFormat)
	}
	return t, nil
}

// assignAll puts a row of the SQLite driver into the destinations.
func assignAll(dest []any, row []driver.Value) error {
	if len(dest) != len(row) {
		return fmt.Errorf("%d destinations for %d columns", len(dest), len(row))
	}
	for i, src := range row {
		if err := assign(dest[i], src); err != nil {
			return fmt.Errorf("column %d: %w", i+1, err)
		}
	}
	return nil
}

// assign puts one value into one destination. Only the conversions that PostgreSQL's driver would make are made.
func assign(dest any, src driver.Value) error {
	switch d := dest.(type) {
	case *string:
		if s, ok := src.(string); ok {
			*d = s
			return nil
		}
	case *int64:
		if n, ok := src.(int64); ok {
			*d = n
			return nil
		}
	case *[]byte:
		return assignBytes(d, src)
	case *time.Time:
		return assignTime(d, src)
	case **time.Time:
		if src == nil {
			*d = nil
			return nil
		}
		*d = new(time.Time)
		return assignTime(*d, src)
	case *bool:
		if n, ok := src.(int64); ok {
			*d = n != 0
			return nil
		}
	case sql.Scanner:
		return d.Scan(src)
	}
	return assignKind(reflect.ValueOf(dest), src)
}

func assignBytes(dest *[]byte, src driver.Value) error {
	switch s := src.(type) {
	case nil:
		*dest = nil
	case []byte:
		if s == nil { // how the driver gives a value of no length
			s = []byte{}
		}
		*dest = s
	case string:
		*dest = []byte(s)
	default:
		return mismatch(dest, src)
	}
	return nil
}

func assignTime(dest *time.Time, src driver.Value) error {
	switch s := src.(type) {
	case time.Time: // from a column declared DATETIME
		*dest = s
	case string:
		t, err := parseTime(s)
		if err != nil {
			return err
		}
		*dest = t
	default:
		return mismatch(dest, src)
	}
	return nil
}

// assignKind takes the named types and the pointers to pointers.
func assignKind(dest reflect.Value, src driver.Value) error {
	if dest.Kind() != reflect.Pointer || dest.IsNil() {
		return fmt.Errorf("the destination is a %v: want a pointer", dest.Kind())
	}
	e := dest.Elem()
	switch n, isInt := src.(int64); {
	case e.Kind() == reflect.Pointer:
		if src == nil {
			e.SetZero()
			return nil
		}
		e.Set(reflect.New(e.Type().Elem()))
		return assign(e.Interface(), src)
	case e.Kind() == reflect.String:
		if s, ok := src.(string); ok {
			e.SetString(s)
			return nil
		}
	case e.Kind() == reflect.Bool && isInt:
		e.SetBool(n != 0)
		return nil
	case e.CanInt() && isInt && !e.OverflowInt(n):
		e.SetInt(n)
		return nil
	case e.CanUint() && isInt && n >= 0 && !e.OverflowUint(uint64(n)):
		e.SetUint(uint64(n))
		return nil
	}
	return mismatch(dest.Interface(), src)
}

func mismatch(dest any, src driver.Value) error {
	if src == nil {
		return fmt.Errorf("NULL does not fit a %T: use a pointer to one", dest)
	}
	return fmt.Errorf("a %T does not fit a %T", src, dest)
}

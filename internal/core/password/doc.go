// Package password judges passwords, hashes them and checks them against their hashes.
//
// Normalize gives the one form in which a password is judged and hashed (NFC); Policy tells every rule that a new
// password breaks; Hasher makes and verifies hashes in a bounded pool of workers, so that a storm of sign-ins can take
// neither the memory nor all the processor time of the server. Three forms of hash are written and read:
//
//	$argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>       Argon2id (RFC 9106) as a PHC string; salt 16, hash 32 bytes
//	$2b$12$<salt><checksum>                            bcrypt, for passwords up to 72 bytes; $2a$ and $2y$ are read
//	$bcrypt-sha256$v=2,t=2b,r=12$<salt>$<checksum>     bcrypt over base64(HMAC-SHA256(salt, password)), for longer ones
//
// The last is passlib's bcrypt_sha256, version 2. No form is longer than MaxEncodedLen characters.
//
// The column with the hash belongs to core/account, as do the rows; when to hash, and what a wrong password leads to,
// is the caller's to decide. Rate limits and lock-outs are elsewhere.
package password

// Package account owns the table of people, `users`, and what makes a name or an address one: which texts may be a
// username or an email address, which two of them are the same, and that each belongs to one account only.
//
// It stores password hashes and never looks into them: core/password makes, checks and judges them. Roles lie in
// core/role and sessions in core/session. Whether somebody may sign in is core/policy's to say; this package only gives
// the account's status.
package account

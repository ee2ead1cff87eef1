package archtest

// Exceptions are the single places that a rule does not hold for, each with its reason.
var Exceptions = []Exception{
	{
		"words", "internal/server/server.go context.Background",
		"a graceful stop begins when the context that asked for it is over, and has its own bound",
	},
	{
		"words", "internal/platform/db/sqlite_writer.go context.Background",
		"a group of writes serves many callers and ends with none of them; the writer's own statements are quick",
	},
	{
		"words", "internal/platform/db/postgres_tx.go math/rand/v2",
		"the pause before a transaction is tried again is spread at random; nothing secret comes of it",
	},
	{
		"interface size", "internal/platform/db.engine",
		"it is put together from three small interfaces, and both who implement it stand beside it",
	},
	{
		"interface size", "internal/platform/db.migrationConn",
		"it adds a transaction to the three methods of txConn, and both who implement it stand beside it",
	},
}

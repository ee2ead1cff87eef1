package main

import (
	"context"
	"slices"

	"github.com/alecthomas/kong"
)

const description = "Durward signs people in: it registers them, verifies their passwords, keeps their sessions and " +
	"tells every application who they are."

// grammar is every command, a line each. Settings may be given as flags of all of them.
type grammar struct {
	Help   helpFlag `short:"h" group:"global" help:"Show this help."`
	Config string   `placeholder:"FILE" group:"global" help:"The file with the settings; DURWARD_CONFIG names it too."`
	Dev    bool     `group:"global" help:"The development profile: no configuration, data in .durward/ of this folder."`
	kong.Plugins
	settings *settingFlags

	Serve   serveCmd `cmd:"" help:"Run the server."`
	Migrate struct {
		Status migrateStatusCmd `cmd:"" help:"Show which migrations the database has."`
		Up     migrateUpCmd     `cmd:"" help:"Apply the migrations that the database lacks."`
	} `cmd:"" help:"The schema of the database."`
	ConfigCmd struct {
		Check   configCheckCmd   `cmd:"" help:"Find every mistake in the configuration, without starting."`
		Example configExampleCmd `cmd:"" help:"Print a YAML file with every setting, to begin with."`
		Show    configShowCmd    `cmd:"" help:"Show the settings in force and where each comes from."`
	} `cmd:"" name:"config" help:"The configuration."`
	User struct {
		Create      userCreateCmd      `cmd:"" help:"Make an account."`
		List        userListCmd        `cmd:"" help:"List the accounts."`
		Show        userShowCmd        `cmd:"" help:"Show one account."`
		SetPassword userSetPasswordCmd `cmd:"" help:"Give an account a new password and end its sessions."`
		Grant       userGrantCmd       `cmd:"" help:"Give a role to an account."`
		Revoke      userRevokeCmd      `cmd:"" help:"Take a role from an account."`
	} `cmd:"" help:"Accounts and their roles."`
	Keys struct {
		List   keysListCmd   `cmd:"" help:"List the signing keys."`
		Rotate keysRotateCmd `cmd:"" help:"Replace the signing key."`
	} `cmd:"" help:"The keys that sign tokens."`
	Routes      routesCmd      `cmd:"" help:"List every URL that the server answers."`
	Healthcheck healthcheckCmd `cmd:"" help:"Ask a running server whether it is ready."`
	Version     versionCmd     `cmd:"" help:"Show the version."`
}

// jsonFlag is part of every command whose answer a program may read.
type jsonFlag struct {
	JSON bool `name:"json" help:"Answer in JSON."`
}

// userArg is the account that a command is about.
type userArg struct {
	User string `arg:"" help:"A username, an email address, or id:NUMBER."`
}

func (c *call) newParser(ctx context.Context) (*kong.Kong, error) {
	c.words = &grammar{settings: newSettingFlags()}
	c.words.Plugins = kong.Plugins{c.words.settings.target}
	return kong.New(c.words,
		kong.Name("durward"), kong.Description(description),
		kong.NoDefaultHelp(), kong.Writers(c.stdout, c.stderr),
		kong.ExplicitGroups([]kong.Group{{Key: "global", Title: "Global flags:"}}),
		kong.Bind(c), kong.BindTo(ctx, (*context.Context)(nil)),
	)
}

// helpWords makes `durward help user create` the same as `durward user create --help`, and no words at all a request
// for help, too.
func helpWords(words []string) []string {
	if len(words) == 0 {
		return []string{"--help"}
	}
	if words[0] == "help" {
		return append(slices.Clone(words[1:]), "--help")
	}
	return words
}

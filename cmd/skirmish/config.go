package main

import (
	"fmt"
	"os"

	"github.com/skirmishgg/skirmish/services/config"
	"github.com/skirmishgg/skirmish/services/node"
)

type configCmd struct {
	Print    configPrintCmd    `cmd:"" help:"Print the settings that are in force, each with where it comes from. Secrets are masked."`
	Validate configValidateCmd `cmd:"" help:"Say everything that is wrong with the configuration, and what is unwise."`
	Schema   configSchemaCmd   `cmd:"" help:"Print the JSON Schema of configuration files, for editors."`
	Help     configHelpCmd     `cmd:"" help:"Explain a section, a setting, or what sections there are."`
}

type configPrintCmd struct {
	Changed bool `help:"Only what is not the default."`
	JSON    bool `help:"JSON lines instead of YAML."`
}

// Run prints what could be read even when something is wrong, and says so afterwards.
func (c *configPrintCmd) Run(a *app) error {
	conf, wrong := a.load(false, nil)
	print := conf.Print
	if c.JSON {
		print = conf.PrintJSON
	}
	if err := print(os.Stdout, !c.Changed); err != nil {
		return err
	}
	return wrong
}

type configValidateCmd struct{}

// Run validates.
func (configValidateCmd) Run(a *app) error { return validate(a) }

func validate(a *app) error {
	conf, err := a.load(false, nil)
	for _, w := range conf.Warnings {
		fmt.Fprintln(os.Stderr, "warning:", w)
	}
	if err != nil {
		return err
	}
	fmt.Println("The configuration is valid.")
	return nil
}

type configSchemaCmd struct{}

// Run prints the schema.
func (configSchemaCmd) Run() error {
	_, err := os.Stdout.Write(config.Schema())
	return err
}

type configHelpCmd struct {
	Topic string `arg:"" optional:"" help:"A section such as socket, or a setting such as socket.port."`
}

// Run explains.
func (c *configHelpCmd) Run() error {
	if c.Topic == "" {
		config.Explain(os.Stdout, "")
		fmt.Println("\nSections, each explained by \"skirmish config help SECTION\":")
		config.Overview(os.Stdout)
		return nil
	}
	if !config.Explain(os.Stdout, c.Topic) {
		return fmt.Errorf("there is no section and no setting %q. Did you mean %s?", c.Topic, config.Nearest(c.Topic))
	}
	return nil
}

type checkCmd struct{}

// Help is printed by "skirmish check --help".
func (checkCmd) Help() string { return settingsHelp() }

// Run checks the configuration, and then the modules in runtime.path.
func (checkCmd) Run(a *app) error {
	if err := validate(a); err != nil {
		return err
	}
	conf, err := a.load(false, nil)
	if err != nil {
		return err
	}
	if err := node.CheckModules(a.ctx, conf); err != nil {
		return err
	}
	fmt.Println("The modules in " + conf.Runtime.Path + " are valid, as far as can be told without running them.")
	return nil
}

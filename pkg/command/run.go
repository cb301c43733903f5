package command

import (
	"encoding/json"
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"usher/pkg/version"
)

func runCommand(p Program) *cobra.Command {
	return &cobra.Command{
		Use: "run", Short: "run Usher in this process, until it is interrupted", GroupID: groupHere, Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error { return p.serve(cmd) },
	}
}

func (p Program) serve(cmd *cobra.Command) error { return p.Serve(cmd.Context(), p.Out, p.Err) }

func versionCommand(p Program) *cobra.Command {
	cmd := &cobra.Command{Use: "version", Short: "what this program was built from", GroupID: groupHere, Args: takes()}
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(*cobra.Command, []string) error {
		if *asJSON {
			return json.NewEncoder(p.Out).Encode(map[string]string{"version": version.Of(), "go": runtime.Version()})
		}
		_, err := fmt.Fprintf(p.Out, "usher %s (%s, %s/%s)\n", version.Of(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
		return err
	}
	return cmd
}

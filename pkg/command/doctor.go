package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/spf13/cobra"

	"usher/pkg/config"
	"usher/pkg/doctor"
)

const aboutDoctor = `Looks at a deployment from outside and asks it what it sees of itself: a line for each
check, with what to do where it is not well. It makes a room and deletes it again.

It needs an admin token (USHER_ADMIN_TOKEN), or the key to sign one, and to try a signed
callback VONAGE_SIGNATURE_SECRET. --secret reads the keys from the deployment's secrets,
which are two, made one object:

  for arn in API-SECRET-ARN SECRET-ARN; do
    aws secretsmanager get-secret-value --secret-id $arn --query SecretString --output text
  done | jq --slurp add | usher doctor --url https://... --secret -

It ends with 0 where all is well, with 1 where something is not.`

func doctorCommand(p Program) *cobra.Command {
	cmd := &cobra.Command{
		Use: "doctor", Short: "look whether a deployment is well, and what to do", Long: aboutDoctor,
		GroupID: groupHere, Args: takes(),
	}
	secret := cmd.Flags().String("secret", "", "`file` with the deployment's secrets as one JSON object; - is what is piped in")
	return ask(p, cmd, func(a *asking, ctx context.Context, _ []string) error {
		if *secret != "" {
			values, err := p.secretIn(*secret)
			if err != nil {
				return err
			}
			a.p.Lookup = over(values, p.Lookup)
			if err := a.connect(); err != nil {
				return err
			}
		}
		token, err := a.Token(ctx)
		if err != nil {
			return err
		}
		return a.examine(ctx, token)
	})
}

func (a *asking) examine(ctx context.Context, token string) error {
	lines := doctor.Patient{
		URL: a.URL(), Token: token, Signature: config.SignatureSecret(a.p.Lookup),
		HTTP: &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
		Now:  a.p.Now,
	}.Examine(ctx)
	if ctx.Err() != nil { // which looks like many ills
		left := slices.DeleteFunc(lines, func(l doctor.Line) bool { return l.Name != doctor.LeftBehind })
		return errors.Join(context.Canceled, a.showLines(left))
	}
	ill := 0
	for _, l := range lines {
		if !l.OK {
			ill++
		}
	}
	if err := a.showLines(lines); err != nil {
		return err
	}
	if ill > 0 {
		return fmt.Errorf("%d of %d checks are not well", ill, len(lines))
	}
	return nil
}

func (a *asking) showLines(lines []doctor.Line) error {
	if a.asJSON {
		document, err := json.Marshal(map[string][]doctor.Line{"checks": lines})
		if err != nil {
			return err
		}
		return writeJSON(a.p.Out, document)
	}
	t := newTable(a.p.Out)
	for _, l := range lines {
		state := "ok"
		if !l.OK {
			state = "NOT WELL"
		}
		t.row(state, l.Name, l.Detail)
	}
	return t.Flush()
}

// longestSecret bounds what is read of one, in bytes; AWS keeps less.
const longestSecret = 1 << 20

// secretIn reads the secret of a deployment. The error carries nothing of it.
func (p Program) secretIn(path string) (map[string]string, error) {
	text, err := p.readFile(path, longestSecret)
	if err != nil {
		return nil, err
	}
	var values map[string]string
	if json.Unmarshal(text, &values) != nil {
		return nil, errors.New("the secret must be a JSON object of texts, as Secrets Manager holds it")
	}
	return values, nil
}

// over looks into values first.
func over(values map[string]string, under config.Lookup) config.Lookup {
	return func(name string) (string, bool) {
		if v, ok := values[name]; ok {
			return v, true
		}
		return under(name)
	}
}

package local

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"

	"usher/pkg/api"

	"usher/pkg/room"
	"usher/pkg/vonage"
	"usher/pkg/vonage/vonagetest"
)

const (
	simulatedKey  = "123456"     // the simulated project
	simulatorPath = "/simulator" // where it is mounted
)

// platform is Vonage, or the simulated platform spoken to over HTTP like it.
func (l *Local) platform() (room.Platform, error) {
	o := vonage.Options{Account: l.account(), BaseURL: l.settings.Platform.URL}
	if l.settings.Platform.Simulated() {
		l.simulator = vonagetest.New(vonagetest.Options{
			APIKey:          o.Account.APIKey,
			APISecret:       o.Account.APISecret,
			Callback:        l.URL() + api.WebhookPath,
			SignatureSecret: l.settings.Platform.SignatureSecret,
			Log:             l.log,
		})
		o.BaseURL = l.URL() + simulatorPath
	}
	return vonage.NewClient(o)
}

// account is the one that the settings name, or the simulated project. That
// one's secret follows from the API's, so that a restart knows it again.
func (l *Local) account() vonage.Account {
	p := l.settings.Platform
	if p.Simulated() {
		mac := hmac.New(sha256.New, l.settings.APISecret)
		mac.Write([]byte("simulated platform"))
		return vonage.Account{APIKey: simulatedKey, APISecret: hex.EncodeToString(mac.Sum(nil))}
	}
	return vonage.Account{APIKey: p.APIKey, APISecret: p.APISecret, ApplicationID: p.ApplicationID, PrivateKey: p.PrivateKey}
}

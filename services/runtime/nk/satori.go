package nk

import (
	"context"

	"github.com/heroiclabs/nakama-common/runtime"
)

// GetSatori is there without a Satori server, too: every call of it is refused.
func (m *Module) GetSatori() runtime.Satori { return satori{} }

// satori is the client of a server that there is none of.
type satori struct{}

var errSatori = runtime.ErrSatoriConfigurationInvalid

func (satori) Authenticate(context.Context, string, map[string]string, map[string]string, bool, ...string) (*runtime.Properties, error) {
	return nil, errSatori
}
func (satori) IdentityDelete(context.Context, string) error { return errSatori }
func (satori) PropertiesGet(context.Context, string) (*runtime.Properties, error) {
	return nil, errSatori
}
func (satori) PropertiesUpdate(context.Context, string, *runtime.PropertiesUpdate) error {
	return errSatori
}
func (satori) EventsPublish(context.Context, string, []*runtime.Event, ...string) error {
	return errSatori
}
func (satori) ServerEventsPublish(context.Context, []*runtime.Event, ...string) error {
	return errSatori
}
func (satori) ExperimentsList(context.Context, string, []string, []string) (*runtime.ExperimentList, error) {
	return nil, errSatori
}
func (satori) FlagsList(context.Context, string, []string, []string) (*runtime.FlagList, error) {
	return nil, errSatori
}
func (satori) FlagsOverridesList(context.Context, string, []string, []string) (*runtime.FlagOverridesList, error) {
	return nil, errSatori
}
func (satori) LiveEventsList(context.Context, string, []string, []string, int32, int32, int64, int64) (*runtime.LiveEventList, error) {
	return nil, errSatori
}
func (satori) LiveEventJoin(context.Context, string, string) error { return errSatori }
func (satori) MessagesList(context.Context, string, int, bool, string, []string) (*runtime.MessageList, error) {
	return nil, errSatori
}
func (satori) MessageUpdate(context.Context, string, string, int64, int64) error { return errSatori }
func (satori) MessageDelete(context.Context, string, string) error               { return errSatori }
func (satori) ConsoleDirectMessageSend(context.Context, string, []string, []runtime.SatoriMessageIntegration, bool, map[runtime.SatoriMessageIntegration]*runtime.SatoriMessageIntegrationChannels, *runtime.SatoriMessageTemplateOverride) (*runtime.SatoriMessageSendResults, error) {
	return nil, errSatori
}

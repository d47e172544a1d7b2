package bind

import (
	"errors"

	"github.com/skirmishgg/skirmish/services/runtime"
)

// Satori are the functions of the client of that service, by Lua's names. Without its settings each answers ErrSatori.
var Satori = []string{
	"authenticate", "identity_delete", "properties_get", "properties_update", "events_publish", "server_events_publish",
	"experiments_list", "flags_list", "flags_overrides_list", "live_events_list", "live_event_join", "messages_list",
	"message_update", "message_delete",
}

// ErrSatori is what they answer.
var ErrSatori = errors.New("satori configuration is invalid")

// Config is what modules see of the settings, secrets and all.
func Config(h *runtime.Host) map[string]any {
	s := h.Settings
	env := map[string]any{}
	for k, v := range h.Env {
		env[k] = v
	}
	return map[string]any{
		"name":               s.Name,
		"shutdown_grace_sec": int64(s.ShutdownGraceSec),
		"logger":             map[string]any{"level": s.Logger.Level},
		"session": map[string]any{
			"encryption_key": s.Session.EncryptionKey, "token_expiry_sec": int64(s.Session.TokenExpirySec),
			"refresh_encryption_key": s.Session.RefreshEncryptionKey, "refresh_token_expiry_sec": int64(s.Session.RefreshTokenExpirySec),
			"single_socket": s.Session.SingleSocket, "single_match": s.Session.SingleMatch, "single_party": s.Session.SingleParty,
			"single_session": s.Session.SingleSession,
		},
		"socket": map[string]any{
			"server_key": s.Socket.ServerKey, "port": int64(s.Socket.Port), "address": s.Socket.Address, "protocol": s.Socket.Protocol,
		},
		"social": map[string]any{
			"steam":                  map[string]any{"publisher_key": s.Social.Steam.PublisherKey, "app_id": int64(s.Social.Steam.AppID)},
			"facebook_instant_game":  map[string]any{"app_secret": s.Social.FacebookInstantGame.AppSecret},
			"facebook_limited_login": map[string]any{"app_id": s.Social.FacebookLimited.AppID},
			"apple":                  map[string]any{"bundle_id": s.Social.Apple.BundleID},
		},
		"runtime": map[string]any{"env": env, "http_key": s.Runtime.HTTPKey},
		"iap": map[string]any{
			"apple": map[string]any{"shared_password": s.IAP.Apple.SharedPassword, "notifications_endpoint_id": s.IAP.Apple.NotificationsEndpointID},
			"google": map[string]any{
				"client_email": s.IAP.Google.ClientEmail, "private_key": s.IAP.Google.PrivateKey,
				"notifications_endpoint_id": s.IAP.Google.NotificationsEndpointID,
			},
			"huawei": map[string]any{
				"public_key": s.IAP.Huawei.PublicKey, "client_id": s.IAP.Huawei.ClientID, "client_secret": s.IAP.Huawei.ClientSecret,
			},
			"facebook_instant": map[string]any{"app_secret": s.IAP.FacebookInstant.AppSecret},
			"samsung":          map[string]any{"package_name": s.IAP.Samsung.PackageName},
		},
		"google_auth": map[string]any{"credentials_json": s.GoogleAuth.CredentialsJSON},
		"satori": map[string]any{
			"url": s.Satori.URL, "api_key_name": s.Satori.APIKeyName, "api_key": s.Satori.APIKey, "signing_key": s.Satori.SigningKey,
		},
	}
}

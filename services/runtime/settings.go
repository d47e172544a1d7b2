package runtime

import (
	nakama "github.com/heroiclabs/nakama-common/runtime"

	"github.com/skirmishgg/skirmish/services/config"
)

// Visible are the settings as modules see them: secrets included.
func Visible(c *config.Config) nakama.Config { return visible{c} }

type visible struct{ c *config.Config }

func (v visible) GetName() string                        { return v.c.Name }
func (v visible) GetShutdownGraceSec() int               { return v.c.ShutdownGraceSec }
func (v visible) GetLogger() nakama.LoggerConfig         { return visibleLogger{v.c.Logger} }
func (v visible) GetSession() nakama.SessionConfig       { return visibleSession{v.c.Session} }
func (v visible) GetSocket() nakama.SocketConfig         { return visibleSocket{v.c.Socket} }
func (v visible) GetSocial() nakama.SocialConfig         { return visibleSocial{v.c.Social} }
func (v visible) GetRuntime() nakama.RuntimeConfig       { return visibleRuntime{v.c.Runtime} }
func (v visible) GetIAP() nakama.IAPConfig               { return visibleIAP{v.c.IAP} }
func (v visible) GetGoogleAuth() nakama.GoogleAuthConfig { return visibleGoogleAuth{v.c.GoogleAuth} }
func (v visible) GetSatori() nakama.SatoriConfig         { return visibleSatori{v.c.Satori} }

type visibleLogger struct{ c config.Logger }

func (v visibleLogger) GetLevel() string { return v.c.Level }

type visibleSession struct{ c config.Session }

func (v visibleSession) GetEncryptionKey() string        { return v.c.EncryptionKey }
func (v visibleSession) GetTokenExpirySec() int64        { return int64(v.c.TokenExpirySec) }
func (v visibleSession) GetRefreshEncryptionKey() string { return v.c.RefreshEncryptionKey }
func (v visibleSession) GetRefreshTokenExpirySec() int64 { return int64(v.c.RefreshTokenExpirySec) }
func (v visibleSession) GetSingleSocket() bool           { return v.c.SingleSocket }
func (v visibleSession) GetSingleMatch() bool            { return v.c.SingleMatch }
func (v visibleSession) GetSingleParty() bool            { return v.c.SingleParty }
func (v visibleSession) GetSingleSession() bool          { return v.c.SingleSession }

type visibleSocket struct{ c config.Socket }

func (v visibleSocket) GetServerKey() string { return v.c.ServerKey }
func (v visibleSocket) GetPort() int         { return v.c.Port }
func (v visibleSocket) GetAddress() string   { return v.c.Address }
func (v visibleSocket) GetProtocol() string  { return v.c.Protocol }

type visibleSocial struct{ c config.Social }

func (v visibleSocial) GetSteam() nakama.SocialConfigSteam { return visibleSteam{v.c.Steam} }
func (v visibleSocial) GetFacebookInstantGame() nakama.SocialConfigFacebookInstantGame {
	return visibleInstantGame{v.c.FacebookInstantGame}
}
func (v visibleSocial) GetFacebookLimitedLogin() nakama.SocialConfigFacebookLimitedLogin {
	return visibleLimited{v.c.FacebookLimited}
}
func (v visibleSocial) GetApple() nakama.SocialConfigApple { return visibleApple{v.c.Apple} }

type visibleSteam struct{ c config.Steam }

func (v visibleSteam) GetPublisherKey() string { return v.c.PublisherKey }
func (v visibleSteam) GetAppID() int           { return v.c.AppID }

type visibleInstantGame struct{ c config.FacebookInstantGame }

func (v visibleInstantGame) GetAppSecret() string { return v.c.AppSecret }

type visibleLimited struct{ c config.FacebookLimited }

func (v visibleLimited) GetAppId() string { return v.c.AppID }

type visibleApple struct{ c config.SocialApple }

func (v visibleApple) GetBundleId() string { return v.c.BundleID }

type visibleRuntime struct{ c config.Runtime }

func (v visibleRuntime) GetEnv() []string   { return v.c.Env }
func (v visibleRuntime) GetHTTPKey() string { return v.c.HTTPKey }

type visibleIAP struct{ c config.IAP }

func (v visibleIAP) GetApple() nakama.IAPAppleConfig   { return visibleIAPApple{v.c.Apple} }
func (v visibleIAP) GetGoogle() nakama.IAPGoogleConfig { return visibleIAPGoogle{v.c.Google} }
func (v visibleIAP) GetHuawei() nakama.IAPHuaweiConfig { return visibleIAPHuawei{v.c.Huawei} }
func (v visibleIAP) GetFacebookInstant() nakama.IAPFacebookInstantConfig {
	return visibleIAPFacebook{v.c.FacebookInstant}
}
func (v visibleIAP) GetSamsung() nakama.IAPSamsungConfig { return visibleIAPSamsung{v.c.Samsung} }

type visibleIAPApple struct{ c config.IAPApple }

func (v visibleIAPApple) GetSharedPassword() string          { return v.c.SharedPassword }
func (v visibleIAPApple) GetNotificationsEndpointId() string { return v.c.NotificationsEndpointID }

type visibleIAPGoogle struct{ c config.IAPGoogle }

func (v visibleIAPGoogle) GetClientEmail() string             { return v.c.ClientEmail }
func (v visibleIAPGoogle) GetPrivateKey() string              { return v.c.PrivateKey }
func (v visibleIAPGoogle) GetNotificationsEndpointId() string { return v.c.NotificationsEndpointID }

type visibleIAPHuawei struct{ c config.IAPHuawei }

func (v visibleIAPHuawei) GetPublicKey() string    { return v.c.PublicKey }
func (v visibleIAPHuawei) GetClientID() string     { return v.c.ClientID }
func (v visibleIAPHuawei) GetClientSecret() string { return v.c.ClientSecret }

type visibleIAPFacebook struct{ c config.IAPFacebook }

func (v visibleIAPFacebook) GetAppSecret() string { return v.c.AppSecret }

type visibleIAPSamsung struct{ c config.IAPSamsung }

func (v visibleIAPSamsung) GetPackageName() string { return v.c.PackageName }

type visibleGoogleAuth struct{ c config.GoogleAuth }

func (v visibleGoogleAuth) GetCredentialsJSON() string { return v.c.CredentialsJSON }

type visibleSatori struct{ c config.Satori }

func (v visibleSatori) GetUrl() string        { return v.c.URL }
func (v visibleSatori) GetApiKeyName() string { return v.c.APIKeyName }
func (v visibleSatori) GetApiKey() string     { return v.c.APIKey }
func (v visibleSatori) GetSigningKey() string { return v.c.SigningKey }

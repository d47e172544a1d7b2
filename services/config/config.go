package config

// Config is every setting. The tags of a field:
//
//	key       its name in YAML; the path of a setting joins them with dots
//	default   what it is when nobody says otherwise; a list's elements are separated by spaces
//	min, max  bounds of a number, inclusive. Without max: 2^31 - 1
//	enum      the values that are allowed, in any case
//	fail      the sentence for a value out of bounds, where Nakama's is known
//	required  the sentence for an empty value
//	secret    masked when printed
//	generate  made on the first run when not given: the number of characters
//	published Nakama's default, which anybody knows
//	list      "comma": may be written with commas in flags and environment; "env": entries KEY=VALUE, merged by KEY
//	old       deprecated or ignored, and what to use instead
//	doc       one or two sentences for people
type Config struct {
	Name             string   `key:"name" default:"nakama" doc:"Name of this node, 1 to 16 characters: in presences, logs and metrics. Each node of a cluster needs its own."`
	Config           []string `key:"config" list:"comma" doc:"YAML files to read, in this order; a later one wins. Only as a flag or in the environment."`
	ShutdownGraceSec int      `key:"shutdown_grace_sec" default:"0" min:"0" fail:"Shutdown grace period must be >= 0" doc:"How long running matches may go on after SIGINT or SIGTERM. 0 ends them at once."`
	DataDir          string   `key:"data_dir" default:"data" doc:"Folder that the server writes to: the embedded store, keys, generated secrets, and modules by default."`
	Limit            int      `key:"limit" default:"-1" min:"-1" doc:"How many migrations to run or to revert. Only for the command migrate."`

	Logger      Logger      `key:"logger" doc:"What is logged, in which form, and where to."`
	Metrics     Metrics     `key:"metrics" doc:"Prometheus metrics."`
	Session     Session     `key:"session" doc:"Tokens of signed-in users."`
	Socket      Socket      `key:"socket" doc:"The client API: REST and WebSocket on one port, gRPC on the port below."`
	UDP         UDP         `key:"udp" doc:"The realtime UDP port: matches and sessions of native clients."`
	RateLimit   RateLimit   `key:"rate_limit" doc:"Limits on requests per user and per address."`
	LAN         LAN         `key:"lan" doc:"Servers that players host in their own network."`
	Database    Database    `key:"database" doc:"Postgres. Without an address the embedded store in data_dir is used."`
	Social      Social      `key:"social" doc:"Sign-in with accounts of game platforms."`
	Runtime     Runtime     `key:"runtime" doc:"The studio's own server code: Lua, JavaScript and Go modules."`
	Match       Match       `key:"match" doc:"Queues of authoritative matches written in the runtime."`
	Tracker     Tracker     `key:"tracker" doc:"Presences."`
	Console     Console     `key:"console" doc:"The web console and its API, gRPC on the port three below."`
	Leaderboard Leaderboard `key:"leaderboard" doc:"Leaderboards and tournaments."`
	Matchmaker  Matchmaker  `key:"matchmaker" doc:"Matchmaking."`
	IAP         IAP         `key:"iap" doc:"Validation of purchases at the stores."`
	GoogleAuth  GoogleAuth  `key:"google_auth" doc:"Sign-in with Google Play Games."`
	Satori      Satori      `key:"satori" doc:"Connection to a Satori server."`
	Storage     Storage     `key:"storage" doc:"Storage engine."`
	MFA         MFA         `key:"mfa" doc:"Second factor of console users."`
	Party       Party       `key:"party" doc:"Parties."`

	// Set by Load, not settings.
	origin    map[string]Source
	Generated []string // paths of the secrets that this Load made
	Warnings  Problems // what is allowed and still worth a word
}

type Logger struct {
	Level      string `key:"level" default:"info" enum:"debug,info,warn,error" fail:"Logger level invalid, must be one of: DEBUG, INFO, WARN, or ERROR" doc:"The least important level that is logged."`
	Stdout     bool   `key:"stdout" default:"true" doc:"Log to standard output, also when there is a file."`
	File       string `key:"file" doc:"File to log to as well."`
	Rotation   bool   `key:"rotation" default:"false" doc:"Start a new file when max_size is reached. Needs file."`
	MaxSize    int    `key:"max_size" default:"100" min:"1" doc:"Megabytes per file, with rotation."`
	MaxAge     int    `key:"max_age" default:"0" min:"0" doc:"Days that old files are kept, with rotation. 0 keeps them."`
	MaxBackups int    `key:"max_backups" default:"0" min:"0" doc:"How many old files are kept, with rotation. 0 keeps all."`
	LocalTime  bool   `key:"local_time" default:"false" doc:"Local time instead of UTC in the names of old files."`
	Compress   bool   `key:"compress" default:"false" doc:"Gzip old files."`
	Format     string `key:"format" default:"auto" enum:"auto,json,stackdriver,text" doc:"json, stackdriver (JSON with Google Cloud's keys), text (for people), or auto: text on a terminal and json elsewhere. A file is never text by auto."`
}

type Metrics struct {
	ReportingFreqSec int    `key:"reporting_freq_sec" default:"60" min:"1" doc:"Accepted for compatibility: metrics are exact whenever they are read."`
	Namespace        string `key:"namespace" doc:"Value of a label \"namespace\" on every metric. Empty: no such label."`
	PrometheusPort   int    `key:"prometheus_port" default:"0" min:"0" max:"65535" doc:"Port for Prometheus to read. 0: none."`
	Prefix           string `key:"prefix" default:"nakama" doc:"Prefix of metric names. Empty: none."`
	CustomPrefix     string `key:"custom_prefix" default:"custom" doc:"Prefix of the metrics that modules report."`
	CustomScopeLimit int    `key:"custom_scope_limit" default:"10000" min:"0" doc:"How many different metrics and tag sets modules may report. 0: unlimited."`
}

type Session struct {
	EncryptionKey         string `key:"encryption_key" secret:"true" generate:"48" published:"defaultencryptionkey" required:"Encryption key must be set" doc:"Signs session tokens. Whoever has it can be anybody."`
	TokenExpirySec        int    `key:"token_expiry_sec" default:"60" min:"1" doc:"Lifetime of a session token."`
	RefreshEncryptionKey  string `key:"refresh_encryption_key" secret:"true" generate:"48" published:"defaultrefreshencryptionkey" required:"Refresh encryption key must be set" doc:"Signs refresh tokens. Must differ from encryption_key."`
	RefreshTokenExpirySec int    `key:"refresh_token_expiry_sec" default:"3600" min:"1" doc:"Lifetime of a refresh token."`
	SingleSocket          bool   `key:"single_socket" default:"false" doc:"One realtime connection per user: a new one closes the old."`
	SingleMatch           bool   `key:"single_match" default:"false" doc:"One match per user: joining leaves the others. Needs single_socket."`
	SingleParty           bool   `key:"single_party" default:"false" doc:"One party per user: joining leaves the others. Needs single_socket."`
	SingleSession         bool   `key:"single_session" default:"false" doc:"One session per user: signing in makes older tokens invalid."`
}

type Socket struct {
	ServerKey            string   `key:"server_key" default:"defaultkey" published:"defaultkey" required:"Server key must be set" doc:"Key that clients sign in with. It ships in every client, so it is no secret."`
	Port                 int      `key:"port" default:"7350" min:"0" max:"65535" doc:"Port of REST and WebSocket; gRPC is on the port below. 0: free ports, which the log names."`
	Address              string   `key:"address" doc:"Address to listen on. Empty: every interface."`
	Protocol             string   `key:"protocol" default:"tcp" enum:"tcp,tcp4,tcp6" fail:"Socket protocol must be one of: tcp, tcp4, tcp6" doc:"tcp, or tcp4 or tcp6 for one IP version."`
	MaxMessageSizeBytes  int      `key:"max_message_size_bytes" default:"4096" min:"1" doc:"Largest message that a client may send on a WebSocket."`
	MaxRequestSizeBytes  int      `key:"max_request_size_bytes" default:"262144" min:"1" doc:"Largest body of a REST or gRPC request."`
	ReadBufferSizeBytes  int      `key:"read_buffer_size_bytes" default:"4096" min:"1" doc:"Read buffer of a WebSocket."`
	WriteBufferSizeBytes int      `key:"write_buffer_size_bytes" default:"4096" min:"1" doc:"Write buffer of a WebSocket."`
	ReadTimeoutMs        int      `key:"read_timeout_ms" default:"10000" min:"1" doc:"Time to read a whole request."`
	WriteTimeoutMs       int      `key:"write_timeout_ms" default:"10000" min:"1" doc:"Time to write a whole response."`
	IdleTimeoutMs        int      `key:"idle_timeout_ms" default:"60000" min:"1" doc:"Time that an idle HTTP connection is kept."`
	WriteWaitMs          int      `key:"write_wait_ms" default:"5000" min:"1" doc:"Time to write one message to a WebSocket."`
	CloseAckWaitMs       int      `key:"close_ack_wait_ms" default:"2000" min:"1" doc:"Time to wait for a client's answer to a close."`
	PongWaitMs           int      `key:"pong_wait_ms" default:"25000" min:"1" doc:"Time without a pong after which a WebSocket is closed."`
	PingPeriodMs         int      `key:"ping_period_ms" default:"15000" min:"1" doc:"Time between pings. Must be less than pong_wait_ms."`
	PingBackoffThreshold int      `key:"ping_backoff_threshold" default:"20" min:"0" doc:"After this many received messages the next ping may wait."`
	OutgoingQueueSize    int      `key:"outgoing_queue_size" default:"64" min:"1" doc:"Messages that wait for a slow client; one more and it is disconnected."`
	SSLCertificate       string   `key:"ssl_certificate" doc:"PEM file of a TLS certificate for the client API. Needs ssl_private_key."`
	SSLPrivateKey        string   `key:"ssl_private_key" doc:"PEM file of the certificate's private key."`
	ResponseHeaders      []string `key:"response_headers" list:"comma" doc:"Additional response headers, each key=value."`
	ProxyCount           int      `key:"proxy_count" default:"1" min:"0" doc:"Proxies in front of the server: how many entries at the end of X-Forwarded-For are to be believed."`
}

type UDP struct {
	Port            int      `key:"port" default:"0" min:"0" max:"65535" doc:"UDP port. 0: the number of socket.port."`
	Address         string   `key:"address" doc:"Address to listen on. Empty: that of socket.address."`
	Driver          string   `key:"driver" default:"auto" enum:"auto,linux,portable" doc:"linux (one socket per match thread, steered by the kernel), portable (one socket for all), or auto: the best that works."`
	Shards          int      `key:"shards" default:"0" min:"0" max:"254" doc:"Match threads. 0: one per core, and one alone on a LAN host."`
	PublicAddresses []string `key:"public_addresses" list:"comma" doc:"Where players reach the UDP port: host:port or host, names are resolved. Empty: the host by which a player reached the API."`
	ServerName      string   `key:"server_name" default:"Skirmish" doc:"Name in server lists and LAN searches."`
}

type RateLimit struct {
	Enabled bool `key:"enabled" default:"true" doc:"Refuse requests beyond the published limits. Loopback and private addresses are never limited by address."`
}

type LAN struct {
	Enabled bool `key:"enabled" default:"false" doc:"This server is a LAN host: connect tokens also name the addresses of this machine's network interfaces, and one match thread is enough."`
}

type Database struct {
	Address            []string `key:"address" doc:"Postgres: user:password@host:port/dbname?param=value. User root, database nakama and sslmode=prefer unless given; the first entry is used. None: the embedded store."`
	ConnMaxLifetimeMs  int      `key:"conn_max_lifetime_ms" default:"3600000" min:"0" doc:"Age after which a connection is replaced. 0: never."`
	MaxOpenConns       int      `key:"max_open_conns" default:"100" min:"0" doc:"Most connections to the database. 0: no limit."`
	MaxIdleConns       int      `key:"max_idle_conns" default:"100" min:"0" doc:"Most idle connections that are kept."`
	DNSScanIntervalSec int      `key:"dns_scan_interval_sec" default:"60" min:"1" doc:"Time between looks whether the database's name has a new address."`
}

type Social struct {
	Steam               Steam               `key:"steam" doc:"Steam."`
	FacebookInstantGame FacebookInstantGame `key:"facebook_instant_game" doc:"Facebook Instant Games."`
	FacebookLimited     FacebookLimited     `key:"facebook_limited_login" doc:"Facebook Limited Login."`
	Apple               SocialApple         `key:"apple" doc:"Apple."`
}

type Steam struct {
	PublisherKey string `key:"publisher_key" secret:"true" doc:"Publisher's Web API key."`
	AppID        int    `key:"app_id" default:"0" min:"0" doc:"Application id."`
}

type FacebookInstantGame struct {
	AppSecret string `key:"app_secret" secret:"true" doc:"Application secret."`
}

type FacebookLimited struct {
	AppID string `key:"app_id" doc:"Application id."`
}

type SocialApple struct {
	BundleID string `key:"bundle_id" doc:"Bundle id of the application."`
}

type Runtime struct {
	Env                []string `key:"env" list:"env" doc:"Values that modules read, each KEY=VALUE. Entries of several files are merged; a later one replaces the same key."`
	Path               string   `key:"path" doc:"Folder of modules. Empty: modules in data_dir."`
	HTTPKey            string   `key:"http_key" secret:"true" generate:"32" published:"defaulthttpkey" required:"Runtime HTTP key must be set" doc:"Key for server-to-server calls of RPC functions."`
	LuaMinCount        int      `key:"lua_min_count" default:"16" min:"0" doc:"Lua machines made at start."`
	LuaMaxCount        int      `key:"lua_max_count" default:"48" min:"1" doc:"Most Lua machines."`
	JSMinCount         int      `key:"js_min_count" default:"16" min:"0" doc:"JavaScript machines made at start."`
	JSMaxCount         int      `key:"js_max_count" default:"32" min:"1" doc:"Most JavaScript machines."`
	LuaCallStackSize   int      `key:"lua_call_stack_size" default:"128" min:"1" doc:"Depth of Lua's call stack."`
	LuaRegistrySize    int      `key:"lua_registry_size" default:"512" min:"128" doc:"Size of Lua's registry."`
	EventQueueSize     int      `key:"event_queue_size" default:"65536" min:"1" doc:"Events that wait for event handlers; one more is dropped and counted."`
	EventQueueWorkers  int      `key:"event_queue_workers" default:"8" min:"1" doc:"Event handlers that run at once."`
	LuaReadOnlyGlobals bool     `key:"lua_read_only_globals" default:"true" doc:"Lua's global tables cannot be changed after start."`
	JSReadOnlyGlobals  bool     `key:"js_read_only_globals" default:"true" doc:"JavaScript's globals are frozen after start."`
	MemoryLimitMB      int      `key:"memory_limit_mb" default:"0" min:"0" doc:"Megabytes of objects in memory beyond which script calls are ended, the longest first. 0: three quarters of what the process may have."`
	LuaMaxInstructions int      `key:"lua_max_instructions" default:"500000000" min:"0" doc:"Instructions after which a call of a Lua function is ended with an error: some five seconds of computing. 0: never."`
	LuaAPIStacktrace   bool     `key:"lua_api_stacktrace" default:"false" doc:"Errors of Lua functions that clients call carry the stack."`
	JSMaxMs            int      `key:"js_max_ms" default:"5000" min:"0" doc:"Time of its own computing after which a call of a JavaScript function is ended with an error. 0: never."`
	JSEntrypoint       string   `key:"js_entrypoint" doc:"JavaScript file to start with, in path."`
	MinCount           int      `key:"min_count" default:"0" min:"0" old:"lua_min_count" doc:"The older name of lua_min_count."`
	MaxCount           int      `key:"max_count" default:"0" min:"0" old:"lua_max_count" doc:"The older name of lua_max_count."`
	CallStackSize      int      `key:"call_stack_size" default:"0" min:"0" old:"lua_call_stack_size" doc:"The older name of lua_call_stack_size."`
	RegistrySize       int      `key:"registry_size" default:"0" min:"0" old:"lua_registry_size" doc:"The older name of lua_registry_size."`
	ReadOnlyGlobals    bool     `key:"read_only_globals" default:"true" old:"lua_read_only_globals" doc:"The older name of lua_read_only_globals."`
}

type Match struct {
	InputQueueSize        int `key:"input_queue_size" default:"128" min:"1" doc:"Messages of clients that wait for a match's next tick; one more is dropped."`
	CallQueueSize         int `key:"call_queue_size" default:"128" min:"1" doc:"Calls that wait for a match."`
	SignalQueueSize       int `key:"signal_queue_size" default:"10" min:"1" doc:"Signals that wait for a match."`
	JoinAttemptQueueSize  int `key:"join_attempt_queue_size" default:"128" min:"1" doc:"Join attempts that wait for a match."`
	DeferredQueueSize     int `key:"deferred_queue_size" default:"128" min:"1" doc:"Deferred broadcasts of one tick."`
	JoinMarkerDeadlineMs  int `key:"join_marker_deadline_ms" default:"15000" min:"1" doc:"Time in which an accepted player must have joined."`
	MaxEmptySec           int `key:"max_empty_sec" default:"0" min:"0" doc:"Time after which a match without players is ended. 0: never."`
	LabelUpdateIntervalMs int `key:"label_update_interval_ms" default:"1000" min:"1" doc:"Time between updates of the labels that match listings search."`
}

type Tracker struct {
	EventQueueSize int `key:"event_queue_size" default:"1024" min:"1" doc:"Presence events that wait to be sent."`
}

type Console struct {
	Port                     int        `key:"port" default:"7351" min:"0" max:"65535" doc:"Port of the web console; its gRPC API is on the port three below. 0: free ports."`
	Address                  string     `key:"address" doc:"Address to listen on. Empty: every interface."`
	MaxMessageSizeBytes      int        `key:"max_message_size_bytes" default:"4194304" min:"1" doc:"Largest body of a request."`
	ReadTimeoutMs            int        `key:"read_timeout_ms" default:"10000" min:"1" doc:"Time to read a whole request."`
	WriteTimeoutMs           int        `key:"write_timeout_ms" default:"60000" min:"1" doc:"Time to write a whole response."`
	IdleTimeoutMs            int        `key:"idle_timeout_ms" default:"300000" min:"1" doc:"Time that an idle connection is kept."`
	Username                 string     `key:"username" default:"admin" published:"admin" doc:"Name of the built-in administrator."`
	Password                 string     `key:"password" secret:"true" generate:"20" published:"password" required:"Console password must be set" doc:"Password of the built-in administrator."`
	TokenExpirySec           int        `key:"token_expiry_sec" default:"86400" min:"1" doc:"Lifetime of a console session."`
	SigningKey               string     `key:"signing_key" secret:"true" generate:"48" published:"defaultsigningkey" required:"Console signing key must be set" doc:"Signs console sessions."`
	MFA                      ConsoleMFA `key:"mfa" doc:"Accepted and ignored, as in Nakama: use the section mfa."`
	DisableDisplayNameSearch bool       `key:"disable_display_name_search" default:"false" doc:"Do not search accounts by display name, which is slow in large databases."`
}

type ConsoleMFA struct {
	StorageEncryptionKey string `key:"storage_encryption_key" secret:"true" old:"mfa.storage_encryption_key" doc:"Ignored: use mfa.storage_encryption_key."`
	AdminAccountEnabled  bool   `key:"admin_account_enabled" default:"false" old:"mfa.admin_account_enabled" doc:"Ignored: use mfa.admin_account_enabled."`
}

type Leaderboard struct {
	Definitions          string   `key:"definitions" doc:"File with leaderboards and tournaments that are created at start where they do not exist: a JSON list of objects, with fields as the functions of server code have."`
	BlacklistRankCache   []string `key:"blacklist_rank_cache" list:"comma" doc:"Leaderboards without ranks in memory, by id; * is all of them."`
	CallbackQueueSize    int      `key:"callback_queue_size" default:"65536" min:"1" doc:"Accepted and ignored: resets and ends that are due wait in the store."`
	CallbackQueueWorkers int      `key:"callback_queue_workers" default:"8" min:"1" doc:"Functions of resets and ends that run at once."`
	RankCacheWorkers     int      `key:"rank_cache_workers" default:"1" min:"1" doc:"Workers that load ranks at start."`
}

type Matchmaker struct {
	MaxTickets   int    `key:"max_tickets" default:"3" min:"1" doc:"Tickets that one session or party may have."`
	IntervalSec  int    `key:"interval_sec" default:"15" min:"1" doc:"Time between matching passes."`
	MaxIntervals int    `key:"max_intervals" default:"2" min:"1" doc:"Passes in which a ticket waits for its best number of players, before any number that it allows will do."`
	RevPrecision bool   `key:"rev_precision" default:"false" doc:"A match needs both sides' queries to agree."`
	RevThreshold int    `key:"rev_threshold" default:"1" min:"0" doc:"Intervals that one pass may take before it no longer asks both sides, in Nakama. A pass takes milliseconds here: it never comes to that."`
	NativeMatch  string `key:"native_match" doc:"Game whose native match a matched group gets, unless server code makes another; players are sent connect tokens for it. Empty: none, groups play in relayed matches."`
}

type IAP struct {
	Apple           IAPApple    `key:"apple" doc:"App Store."`
	Google          IAPGoogle   `key:"google" doc:"Google Play."`
	Huawei          IAPHuawei   `key:"huawei" doc:"AppGallery."`
	FacebookInstant IAPFacebook `key:"facebook_instant" doc:"Facebook Instant Games."`
	Samsung         IAPSamsung  `key:"samsung" doc:"Galaxy Store."`
}

type IAPApple struct {
	SharedPassword          string `key:"shared_password" secret:"true" doc:"Shared secret for receipts."`
	NotificationsEndpointID string `key:"notifications_endpoint_id" doc:"End of the URL for the store's notifications. Empty: no such URL."`
}

type IAPGoogle struct {
	ClientEmail             string `key:"client_email" doc:"Service account's address."`
	PrivateKey              string `key:"private_key" secret:"true" doc:"Service account's private key."`
	NotificationsEndpointID string `key:"notifications_endpoint_id" doc:"End of the URL for the store's notifications. Empty: no such URL."`
	RefundCheckPeriodMin    int    `key:"refund_check_period_min" default:"0" min:"0" old:"" doc:"Ignored."`
	PackageName             string `key:"package_name" old:"" doc:"Ignored."`
}

type IAPHuawei struct {
	PublicKey    string `key:"public_key" doc:"Public key that signs receipts."`
	ClientID     string `key:"client_id" doc:"OAuth client id."`
	ClientSecret string `key:"client_secret" secret:"true" doc:"OAuth client secret."`
}

type IAPFacebook struct {
	AppSecret string `key:"app_secret" secret:"true" doc:"Application secret."`
}

type IAPSamsung struct {
	PackageName string `key:"package_name" doc:"Package name of the application."`
}

type GoogleAuth struct {
	CredentialsJSON string `key:"credentials_json" secret:"true" doc:"Google's credentials file, as text."`
}

type Satori struct {
	URL           string `key:"url" doc:"Address of the Satori server. Needs api_key_name, api_key and signing_key."`
	APIKeyName    string `key:"api_key_name" doc:"Name of the API key."`
	APIKey        string `key:"api_key" secret:"true" doc:"API key."`
	SigningKey    string `key:"signing_key" secret:"true" doc:"Key that signs sessions."`
	ServerKey     string `key:"server_key" secret:"true" doc:"Key for server events."`
	CacheMode     string `key:"cache_mode" default:"context" enum:"context,time" doc:"How long answers are remembered: as long as a context, or for a time."`
	CacheTTLSec   int    `key:"cache_ttl_sec" default:"300" min:"1" doc:"That time."`
	CacheDisabled bool   `key:"cache_disabled" default:"false" doc:"Remember nothing."`
	CacheEnabled  bool   `key:"cache_enabled" default:"true" old:"cache_disabled" doc:"The older opposite of cache_disabled."`
	HTTPTimeoutMs int    `key:"http_timeout_ms" default:"10000" min:"1" doc:"Time for a request."`
	RetryCount    int    `key:"retry_count" default:"0" min:"0" max:"3" doc:"How often a failed request is tried again."`
}

type Storage struct {
	DisableIndexOnly bool `key:"disable_index_only" default:"false" doc:"Read objects from the database also where an index is declared index-only."`
}

type MFA struct {
	StorageEncryptionKey string `key:"storage_encryption_key" secret:"true" generate:"32" published:"the-key-has-to-be-32-bytes-long!" doc:"Encrypts the second factor's secrets: 32 bytes, or empty for no second factor."`
	AdminAccountEnabled  bool   `key:"admin_account_enabled" default:"false" doc:"The built-in administrator needs a second factor as well."`
}

type Party struct {
	LabelUpdateIntervalMs int `key:"label_update_interval_ms" default:"1000" min:"1" doc:"Time between updates of the labels that party listings search."`
	IdleCheckIntervalMs   int `key:"idle_check_interval_ms" default:"30000" min:"1" doc:"Time between looks for parties that nobody uses."`
}

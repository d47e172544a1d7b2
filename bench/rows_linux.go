package bench

import "github.com/skirmishgg/skirmish/bench/proc"

// Rows are the questions in the order they are measured.
func Rows() []Row {
	return []Row{
		transportRow,
		arenaRow,
		engineTickRow,
		bytesRow,
		latenessRow,
		latencyRow,
		memoryRow,
		handshakeRow,
		rttRow,
		restRow,
		lanesRow,
		ranksRow,
		boardsRow,
		opRow,
		wsIdleRow,
		fanoutRow,
		persistedRow,
		churnRow,
		presenceRow,
		wsMatchRow,
		relayedRow,
		rpcRow,
		hookRow,
		scriptMatchRow,
		vmRow,
		reloadRow,
		matchmakerRow,
		startRow,
	}
}

// roles are what children do, by the name on their command line.
var roles = map[string]func(con *proc.Console, args []string) error{
	"floor":          floorServer,
	"transport":      transportServer,
	"node":           nodeServer,
	"load":           loadChild,
	"arena-load":     arenaLoad,
	"proxy":          proxyChild,
	"rtt-client":     rttClient,
	"rtt-kcp-server": kcpServer,
	"rtt-kcp-client": kcpClient,
	"rtt-websocket":  websocketChild,
	"api":            apiServer,
	"http-floor":     httpFloor,
	"http-load":      httpLoad,
	"ws-idle":        wsIdle,
	"chat-load":      chatLoad,
	"fanout-floor":   fanoutFloor,
	"presence-load":  presenceLoad,
	"presence":       presenceServer,
	"rpc-load":       rpcLoad,
	"match-load":     matchLoad,
	"blend-load":     blendLoad,
	"match-floor":    matchFloor,
}

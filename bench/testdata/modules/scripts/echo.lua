local nk = require("nakama")

nk.register_rpc(function(_, payload) return payload end, "echo_lua")

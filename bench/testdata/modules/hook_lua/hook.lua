local nk = require("nakama")

nk.register_req_before(function(_, request) return request end, "ListMatches")

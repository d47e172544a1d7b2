-- What areas assert with. An area's RPC answers a line for each thing that is not as it should be, and for each function of
-- nk a line when it was called and one when it returned:
--
--   ! what is wrong        > called        < returned

local nakama = require("nakama")

local check = {}

-- show is a value as text: tables with sorted keys, so that equal ones look equal.
local function show(v)
  if type(v) == "string" then return string.format("%q", v) end
  if type(v) ~= "table" then return tostring(v) end
  local keys = {}
  for k in pairs(v) do keys[#keys + 1] = k end
  table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
  local words = {}
  for i = 1, #keys do words[i] = tostring(keys[i]) .. "=" .. show(v[keys[i]]) end
  return "{" .. table.concat(words, " ") .. "}"
end

check.show = show

-- times are the members that hold one.
local times = { create_time = true, update_time = true, createTime = true, updateTime = true, verify_time = true, disable_time = true }

-- timed is a result whose times are "now" where they are within a minute of it.
local function timed(v)
  if type(v) ~= "table" then return v end
  local out = {}
  for k, member in pairs(v) do
    if times[k] and type(member) == "number" and math.abs(member - os.time()) < 60 then
      out[k] = "now"
    else
      out[k] = timed(member)
    end
  end
  return out
end

check.timed = timed

-- without the place, which the interpreter puts before what was raised.
local function unplaced(message) return (string.gsub(tostring(message), "^[%w_/]+%.lua:%d+: ", "")) end

local function new(context, area)
  local t = { context = context, lines = {}, area = area }
  local noted = {}
  local function note(mark, name)
    if not noted[mark .. name] then
      noted[mark .. name] = true
      t.lines[#t.lines + 1] = mark .. " " .. name
    end
  end
  local function returned(name, ...)
    note("<", name)
    return ...
  end
  t.nk = setmetatable({}, {
    __index = function(_, name)
      local f = nakama[name]
      if type(f) ~= "function" then return f end
      return function(...)
        note(">", name)
        return returned(name, f(...))
      end
    end,
  })

  function t.fail(text) t.lines[#t.lines + 1] = "! " .. string.gsub(text, "\n", " ") end

  -- is asserts one value; ares asserts several: count first, since nil counts.
  function t.is(got, want, what)
    if show(got) ~= show(want) then t.fail((what or "") .. " got " .. show(got) .. ", want " .. show(want)) end
  end
  function t.are(want, ...)
    local got = { n = select("#", ...) }
    for i = 1, got.n do got[i] = select(i, ...) end
    if show(got) ~= show(want) then t.fail("got " .. show(got) .. ", want " .. show(want)) end
  end

  -- refuses asserts that a call of nk raises this text.
  function t.refuses(text, name, ...)
    local ok, err = pcall(t.nk[name], ...)
    if ok then
      t.fail(name .. " does not refuse: " .. text)
    elseif unplaced(err) ~= text then
      t.fail(name .. " says " .. unplaced(err) .. ", want " .. text)
    end
  end
  -- wrong asserts that an argument is refused.
  function t.wrong(index, text, name, ...) t.refuses("bad argument #" .. index .. " to " .. name .. " (" .. text .. ")", name, ...) end

  -- user is a user of this area: an id, and a name.
  function t.user(name)
    local username = name .. "_" .. area
    return nakama.authenticate_custom("custom_" .. username, username), username
  end
  return t
end

-- area offers a function of (t, nk, payload) as an RPC.
function check.area(name, body)
  nakama.register_rpc(function(context, payload)
    local t = new(context, name)
    local ok, err = pcall(body, t, t.nk, payload)
    if not ok then t.fail(type(err) == "table" and show(err) or tostring(err)) end
    return table.concat(t.lines, "\n")
  end, "area_" .. name)
end

check.system = "00000000-0000-0000-0000-000000000000"
check.nobody = "00000000-0000-4000-8000-00000000dead"

return check

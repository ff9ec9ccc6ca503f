-- Run by dnsmasq's helper on each DHCP event (`dhcp-luascript`): appends it to the spool.
--
-- The records are those of dnsmasq_hook.py, which is run as `dhcp-script` instead. Here no process is
-- started for an event. Lua has no sockets, locks or fdatasync: the agent sees that the file was
-- closed, takes its records and syncs them. It empties the file under a lease, which lets nobody
-- open it, so the file is opened anew for each record. Lua's clock has seconds only, and the agent
-- fills in the rest (`s` in place of `us`). dnsmasq withholds from Lua what clients said of
-- themselves: name, vendor and user class, requested options, tags.
--
-- No error leaves this file, because one would end the helper.

local LONGEST_VALUE = 1024
local LONGEST_SPOOL = 15 * 1024 * 1024 -- this process may write files of 16 MiB
local ID = "id=" .. string.rep("%02x", 16)
local ACTIONS = { add = true, old = true, del = true }
local KEPT = {
  "interface",
  "lease_expires",
  "time_remaining",
  "domain",
  "supplied_hostname",
  "old_hostname",
  "tags",
  "requested_options",
  "client_id",
  "vendor_class",
  "vendor_class_id",
  "vendor_class0",
  "user_class0",
  "circuit_id",
  "subscriber_id",
  "remote_id",
  "relay_address",
  "mud_url",
  "iaid",
  "server_duid",
  "data_missing",
}

local spool = os.getenv("IPAM_SPOOL")
local network = os.getenv("IPAM_NETWORK") or ""
local random = io.open("/dev/urandom", "rb")
local failures = 0

local function escaped_byte(character)
  return string.format("%%%02X", string.byte(character))
end

-- The value as printable ASCII without "%", cut to a bound.
local function escape(value)
  if type(value) == "number" then
    value = string.format("%.0f", value)
  end
  if #value <= LONGEST_VALUE and not string.find(value, "[^!-$&-~]") then
    return value
  end
  return (string.gsub(string.sub(value, 1, LONGEST_VALUE), "[^!-$&-~]", escaped_byte))
end

local function record(action, data)
  local fields = {
    string.format(ID, string.byte(random:read(16), 1, 16)),
    "s=" .. os.time(),
    "network=" .. escape(network),
    "action=" .. action,
    "who=" .. escape(data.client_duid or data.mac_address),
    "ip=" .. escape(data.ip_address),
  }
  if data.hostname then
    fields[#fields + 1] = "hostname=" .. escape(data.hostname)
  end
  for _, name in ipairs(KEPT) do
    local value = data[name]
    if value then
      fields[#fields + 1] = string.upper(name) .. "=" .. escape(value)
    end
  end
  if data.client_duid and data.mac_address then
    fields[#fields + 1] = "MAC=" .. escape(data.mac_address)
  end
  return table.concat(fields, "\t")
end

local function append(line)
  local file = assert(io.open(spool, "ab"))
  if file:seek("end") > LONGEST_SPOOL then
    file:close()
    error("the spool is full")
  end
  file:setvbuf("full", #line + 2)
  -- The newline in front ends a line that a full disk may have left unfinished.
  local written = file:write("\n", line, "\n")
  assert(file:close() and written, "the disk refuses")
end

-- Says so, and each doubling, where dnsmasq's log goes.
local function say(failure)
  failures = failures + 1
  if math.fmod(math.log(failures) / math.log(2), 1) == 0 then
    io.stderr:write("ipam hook: ", tostring(failure), " (", failures, " such)\n")
  end
end

function lease(action, data)
  if ACTIONS[action] then
    local done, failure = pcall(function()
      append(record(action, data))
    end)
    if not done then
      pcall(say, failure)
    end
  end
end

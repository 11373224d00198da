-- Which server this is, and how long its word on times and claims is not to be relied on.
--
-- Times are only as good as the clock. After a jump of the server's clock, a restart, or a pause so long that it may have
-- been a jump, no lease is taken for one whole ttl: every worker alive has renewed by then.
--
-- A replica that was made primary may lack the last claims: a job may run although it stands in its queue. After a failover
-- no job is given for one whole ttl either, by when whoever holds such a claim has ended its job; unless claims are
-- only acted on once replicas have them (`wait_replicas`).

local TTL_DEFAULT = 60000

-- A Lua state lives no longer than its server process, so the server is asked once. Without the right to INFO it stays
-- unknown, and restarts go unnoticed.
local OWN_RUN_ID

local function info_field(section, name)
  local info = redis.pcall('INFO', section)
  return type(info) == 'string' and string.match(info, name .. ':(%x+)') or nil
end

local function own_run_id()
  OWN_RUN_ID = OWN_RUN_ID or info_field('server', 'run_id')
  return OWN_RUN_ID
end

-- The fields of `sweep` that say so.
local function read_clock(base)
  local seen = redis.call('HMGET', K.sweep(base), 'run_id', 'replid', 'hold_until', 'claims_from', 'ttl', 'wait_replicas')
  return {
    run_id = seen[1] or nil, replid = seen[2] or nil, hold_until = tonumber(seen[3] or 0), claims_from = tonumber(seen[4] or 0),
    ttl = tonumber(seen[5] or nil) or TTL_DEFAULT, wait_replicas = tonumber(seen[6] or 0),
  }
end

-- Notes that another server process answers than before, and what follows from that.
local function note_server(base, now, clock_of)
  local own = own_run_id()
  if not own or clock_of.run_id == own then return end
  local history, former = info_field('replication', 'master_replid'), info_field('replication', 'master_replid2')
  if clock_of.run_id then
    clock_of.hold_until = now + clock_of.ttl
    local failed_over = clock_of.replid and former == clock_of.replid
    if failed_over and clock_of.wait_replicas == 0 then clock_of.claims_from = now + clock_of.ttl end
  end
  redis.call('HSET', K.sweep(base), 'run_id', own, 'replid', history or '', 'hold_until', whole(clock_of.hold_until),
    'claims_from', whole(clock_of.claims_from))
end

-- Which data this is: given once to an empty keyspace. Who has known another finds that its data is gone.
local function born(base, now)
  local name = redis.call('HGET', K.sweep(base), 'born')
  if name then return name end
  name = whole(now) .. '-' .. string.sub(own_run_id() or '', 1, 8)
  redis.call('HSET', K.sweep(base), 'born', name)
  return name
end

-- Ms until claims may be given; nil: now.
local function claims_held_for(base, now)
  local clock_of = read_clock(base)
  note_server(base, now, clock_of)
  local left = math.min(clock_of.claims_from, now + clock_of.ttl) - now
  return left > 0 and left or nil
end

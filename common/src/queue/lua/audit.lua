-- dayfly_audit: one step of a slow walk over all keys that puts right what no operation leaves behind but a hand, a lost write or
-- a fault may: each waiting or running record stands in exactly one index, the counts agree with the indexes, cancel requests
-- made by hand are settled, live jobs hold their unique keys and no other does, nothing of a job outlives its record.
-- KEYS: the base.  ARGV: ms since the last step before which nothing is done (absent: always).
-- Returns: {1 when this step ended a walk, keys looked at, then what was put right: name, number, ..}
-- Bounded: one SCAN of 500 keys a step; counts of up to 5,000 jobs are taken anew when they do not agree.
-- Crash points: atomic. Every repair is complete by itself; sent again, it goes on with the walk.

local KEYS_A_STEP = 500
local RECOUNT_MOST = 5000

local function tally(repaired, what)
  repaired[what] = (repaired[what] or 0) + 1
end

-- Takes a record out of the indexes that are not its state's own.
local function only_in(base, record, own, repaired)
  local places = { queued = K.queue(base, record.task), scheduled = K.delayed(base), running = K.leases(base) }
  for state, index in pairs(places) do
    if state ~= own and redis.call('ZREM', index, record.id) == 1 then tally(repaired, 'surplus_entries') end
  end
end

local function check_record(base, now, id, repaired)
  local record = read(base, id)
  if not record then return end
  local state = record.state
  if state == 'queued' or state == 'scheduled' then
    local ask = asked(base, id)
    if ask then
      conclude_cancelled(base, now, record, ask)
      return tally(repaired, 'cancelled_by_hand')
    end
  end
  if state == 'queued' then
    local score = tonumber(redis.call('ZSCORE', K.queue(base, record.task), id) or nil)
    local noted = record.owner and redis.call('ZSCORE', K.parked(base, record.owner), id)
    -- A parked job that is not noted would never come back; a claim parks it again where it must wait.
    if not score or score >= PARKED and not noted then
      enqueue(base, record)
      tally(repaired, 'missing_entries')
    elseif noted and score < PARKED then
      unpark(base, record)
      tally(repaired, 'surplus_entries')
    end
  elseif state == 'scheduled' then
    if not redis.call('ZSCORE', K.delayed(base), id) then
      redis.call('ZADD', K.delayed(base), whole(tonumber(record.ready_at or record.created_at) or now), id)
      tally(repaired, 'missing_entries')
    end
  elseif state == 'running' then
    -- Its worker renews it, or the sweep takes it back.
    if not redis.call('ZSCORE', K.leases(base), id) then
      redis.call('ZADD', K.leases(base), whole(now + read_clock(base).ttl), id)
      tally(repaired, 'missing_entries')
    end
  elseif state == 'succeeded' or state == 'failed' or state == 'cancelled' then
    if not redis.call('ZSCORE', K.finished(base, state), id) then
      redis.call('ZADD', K.finished(base, state), redis.call('HGET', K.job(base, id), 'finished_at') or whole(now), id)
      tally(repaired, 'missing_entries')
    end
    if redis.call('PTTL', K.job(base, id)) == -1 then
      redis.call('PEXPIRE', K.job(base, id), whole(kept_ms(base, record)))
      tally(repaired, 'kept_for_ever')
    end
  else
    return tally(repaired, 'unknown_states')
  end
  local held = unique_of(base, id)
  if held and not unique_holder(base, held) then
    redis.call('SET', held, id)
    tally(repaired, 'missing_entries')
  end
  only_in(base, record, state, repaired)
end

local function check_held(base, worker, repaired)
  local held = redis.call('HGETALL', K.held(base, worker))
  for at = 1, #held, 2 do
    local nonce, record = held[at], read(base, held[at + 1])
    if not record or record.state ~= 'running' or record.fence ~= (record.attempt or '') .. '-' .. nonce then
      redis.call('HDEL', K.held(base, worker), nonce)
      tally(repaired, 'surplus_entries')
    end
  end
end

-- A cancel request is for a job that waits (settled with its record) or runs (its worker's). All others are in vain.
local function check_cancel(base, id, repaired)
  local state = redis.call('HGET', K.job(base, id), 'state')
  if state ~= 'running' and state ~= 'queued' and state ~= 'scheduled' then
    -- It may have been settled with its record in this very step.
    if redis.call('DEL', K.cancel(base, id)) == 1 then tally(repaired, 'vain_cancels') end
  end
end

-- A key whose holder has ended in this very step is gone already.
local function check_unique(base, key, repaired)
  if not unique_holder(base, key) and redis.call('DEL', key) == 1 then tally(repaired, 'vain_uniques') end
end

-- The sweep looks only at owners in `parked`.
local function check_parked(base, owner, repaired)
  for _, id in ipairs(redis.call('ZRANGE', K.parked(base, owner), 0, KEYS_A_STEP - 1)) do
    local of = redis.call('HMGET', K.job(base, id), 'state', 'owner')
    if (of[1] ~= 'queued' or of[2] ~= owner) and redis.call('ZREM', K.parked(base, owner), id) == 1 then
      tally(repaired, 'surplus_entries')
    end
  end
  if redis.call('EXISTS', K.parked(base, owner)) == 1 and redis.call('SADD', K.parked_owners(base), owner) == 1 then
    tally(repaired, 'missing_entries')
  end
end

local function check(base, now, key, repaired)
  local name = string.sub(key, #base + 1)
  local id, part = string.match(name, '^job:([^:]+):?(.*)$')
  if id and part == '' then return check_record(base, now, id, repaired) end
  if id then
    if redis.call('EXISTS', K.job(base, id)) == 0 and redis.call('DEL', key) == 1 then tally(repaired, 'orphans') end
    return
  end
  local cancelled, worker = string.match(name, '^cancel:(.+)$'), string.match(name, '^held:(.+)$')
  if string.sub(name, 1, 7) == 'unique:' then return check_unique(base, key, repaired) end
  if cancelled then check_cancel(base, cancelled, repaired) end
  if worker then check_held(base, worker, repaired) end
  local owner = string.match(name, '^parked:(.+)$')
  if owner then check_parked(base, owner, repaired) end
end

local function set_count(base, field, number, repaired)
  if (tonumber(redis.call('HGET', K.counts(base), field) or 0) or 0) ~= number then
    redis.call('HSET', K.counts(base), field, whole(number))
    tally(repaired, 'counts')
  end
end

-- Jobs of all tasks are in one index: only the sum can be compared cheaply.
local function recount(base, state, index, tasks, repaired)
  local there, sum = redis.call('ZCARD', index), 0
  for task in pairs(tasks) do
    sum = sum + (tonumber(redis.call('HGET', K.counts(base), task .. ':' .. state) or 0) or 0)
  end
  if sum == there or there > RECOUNT_MOST then return end
  local by_task = {}
  for _, id in ipairs(redis.call('ZRANGE', index, 0, -1)) do
    local task = redis.call('HGET', K.job(base, id), 'task')
    if task then by_task[task] = (by_task[task] or 0) + 1 end
  end
  for task in pairs(tasks) do set_count(base, task .. ':' .. state, by_task[task] or 0, repaired) end
end

local function check_counts(base, repaired)
  local tasks = {}
  for _, field in ipairs(redis.call('HKEYS', K.counts(base))) do
    local task = string.match(field, '^(.+):%l+$')
    if task then tasks[task] = true end
  end
  for task in pairs(tasks) do
    set_count(base, task .. ':queued', redis.call('ZCARD', K.queue(base, task)), repaired)
  end
  recount(base, 'scheduled', K.delayed(base), tasks, repaired)
  recount(base, 'running', K.leases(base), tasks, repaired)
end

-- What owners have, where a quota asks for it. A record that a hand took away is still counted: its owner went with it.
local function check_owners(base, repaired)
  if redis.call('EXISTS', K.quotas(base)) == 0 then return end
  local indexes, live = { K.delayed(base), K.leases(base) }, 0
  for _, task in ipairs(redis.call('SMEMBERS', K.queues(base))) do indexes[#indexes + 1] = K.queue(base, task) end
  for _, index in ipairs(indexes) do live = live + redis.call('ZCARD', index) end
  if live > RECOUNT_MOST then return end
  local there = {}
  for _, index in ipairs(indexes) do
    for _, id in ipairs(redis.call('ZRANGE', index, 0, -1)) do
      local of = redis.call('HMGET', K.job(base, id), 'owner', 'state')
      if of[1] and LIVE[of[2] or ''] then there[of[1] .. ':' .. of[2]] = (there[of[1] .. ':' .. of[2]] or 0) + 1 end
    end
  end
  local noted = redis.call('HGETALL', K.owners(base))
  for at = 1, #noted, 2 do
    if not there[noted[at]] then
      redis.call('HDEL', K.owners(base), noted[at])
      tally(repaired, 'counts')
    end
  end
  for field, number in pairs(there) do
    if redis.call('HGET', K.owners(base), field) ~= whole(number) then
      redis.call('HSET', K.owners(base), field, whole(number))
      tally(repaired, 'counts')
    end
  end
end

local function audit(keys, args)
  local base, now, apart = base_of(keys), clock(), number_of(args, 1)
  local seen = redis.call('HMGET', K.sweep(base), 'audit_at', 'audit_cursor')
  local gap = now - (tonumber(seen[1] or 0) or 0)
  if apart and gap >= 0 and gap < apart then return { 0, 0 } end
  local repaired = {}
  local scanned = redis.call('SCAN', seen[2] or '0', 'MATCH', base .. '*', 'COUNT', KEYS_A_STEP)
  for _, key in ipairs(scanned[2]) do check(base, now, key, repaired) end
  local ended = scanned[1] == '0'
  if ended then
    check_counts(base, repaired)
    check_owners(base, repaired)
  end
  redis.call('HSET', K.sweep(base), 'audit_at', whole(now), 'audit_cursor', scanned[1])
  local answer = { ended and 1 or 0, #scanned[2] }
  for what, number in pairs(repaired) do
    answer[#answer + 1] = what
    answer[#answer + 1] = number
  end
  return answer
end

redis.register_function{ function_name = 'dayfly_audit', callback = audit, flags = { 'allow-oom' } }

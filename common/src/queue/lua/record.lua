-- What every operation shares: the clock, reading a record, and the moves between states.
--
-- A move is made of small steps, and each step here keeps the order "destination first, source last": should the server
-- ever stop in the middle (it does not: a function is atomic and its effects reach the append-only file as one
-- transaction), a job would stand in two indexes, which the sweep puts right, and never in none.

local DAY = 86400000
local KEEP_DEFAULT = 7 * DAY -- retention when neither client nor task names one
local KEEP_REPEATABLE = DAY -- a job whose id a client may bring again is known at least this long
local KEEP_LEAST = 60000 -- so that a repeated finish still finds its answer
local PRIORITY_STEP = 1e13 -- score = priority x this + ready ms
local LOST_RETRIES = 2 -- default; other values stand in the record
local EVENTS_KEPT = 10000
local ATTEMPTS_KEPT = 100
local PRESENCE_MS = 10000 -- a worker that has not beaten for this long is not there

local FIELDS = {
  'state', 'task', 'priority', 'created_at', 'ready_at', 'expires_at', 'attempt', 'fence', 'worker', 'started_at',
  'failures', 'lost', 'retries', 'lost_retries', 'timeout_ms', 'retention_ms', 'fingerprint', 'trace', 'deadline_at',
  'owner', 'unique',
}

-- Ms (or any whole number up to 2^53) as text; tostring() would lose digits.
local function whole(number)
  return string.format('%d', number)
end

-- Server time, ms.
local function clock()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

-- KEYS[1], checked: a typing error by hand must not found a second keyspace.
local function base_of(keys)
  local base = keys[1]
  if #keys ~= 1 or not string.find(base, '{%d+}:$') then
    error({ err = "ERR the one key must be the base of the keyspace, as in: FCALL dayfly_version 1 'dayfly:{0}:'" })
  end
  return base
end

-- An argument that must be a whole number >= 0; nil when absent or empty.
local function number_of(args, at)
  local text = args[at]
  if text == nil or text == '' then return nil end
  local number = tonumber(text)
  if not number or number < 0 or number ~= math.floor(number) then
    error({ err = 'ERR argument ' .. at .. ' must be a whole number' })
  end
  return number
end

local function text_of(args, at)
  local text = args[at]
  if text == '' then return nil end
  return text
end

-- The record's fields that moves need, or nil when there is no such job.
local function read(base, id)
  local values = redis.call('HMGET', K.job(base, id), unpack(FIELDS))
  if not values[1] or not values[2] then return nil end
  local record = { id = id }
  for at, name in ipairs(FIELDS) do record[name] = values[at] or nil end
  return record
end

local function waiting(record)
  return record.state == 'queued' or record.state == 'scheduled'
end

-- The cancel request of a job: nil, or a table with what its value says. Any value cancels, of any type.
local function asked(base, id)
  local value = redis.pcall('GET', K.cancel(base, id))
  if not value then return nil end
  if type(value) ~= 'string' or string.sub(value, 1, 1) ~= '{' then return {} end
  local read_well, said = pcall(cjson.decode, value)
  if not read_well or type(said) ~= 'table' then return {} end
  local ask = {}
  if type(said.reason) == 'string' then ask.reason = string.sub(said.reason, 1, 500) end
  if type(said.grace_ms) == 'number' and said.grace_ms >= 0 then ask.grace_ms = math.floor(said.grace_ms) end
  return ask
end

local let_in, unpark -- in parked.lua

-- Counts and tells a change of state; the record itself is written by the caller.
local function moved(base, record, state)
  local counts = K.counts(base)
  if record.state then redis.call('HINCRBY', counts, record.task .. ':' .. record.state, -1) end
  redis.call('HINCRBY', counts, record.task .. ':' .. state, 1)
  if record.owner then
    if record.state then owned(base, record.owner, record.state, -1) end
    owned(base, record.owner, state, 1)
    if record.state == 'running' then let_in(base, record.owner, 1) end
  end
  redis.call('XADD', K.events(base), 'MAXLEN', '~', EVENTS_KEPT, '*',
    'id', record.id, 'task', record.task, 'state', state)
  record.state = state
end

-- One token for a task that has claimable work: idle workers block on it.
local function arm(base, task)
  if redis.call('SISMEMBER', K.paused(base), task) == 1 then return end
  if redis.call('LLEN', K.wake(base, task)) == 0 then redis.call('LPUSH', K.wake(base, task), '1') end
end

local function enqueue(base, record)
  local score = (tonumber(record.priority) or 5) * PRIORITY_STEP + tonumber(record.ready_at or record.created_at)
  redis.call('ZADD', K.queue(base, record.task), whole(score), record.id)
  redis.call('SADD', K.queues(base), record.task)
  arm(base, record.task)
end

-- Out of its queue; an empty queue leaves no name and no token behind.
local function dequeue(base, task, id)
  redis.call('ZREM', K.queue(base, task), id)
  if redis.call('EXISTS', K.queue(base, task)) == 0 then
    redis.call('SREM', K.queues(base), task)
    redis.call('DEL', K.wake(base, task))
  end
end

-- Takes a job out of the index that its former state put it in.
local function leave(base, record, state)
  if record.expires_at then redis.call('ZREM', K.expiring(base), record.id) end
  if state == 'queued' then
    unpark(base, record)
    dequeue(base, record.task, record.id)
  elseif state == 'scheduled' then
    redis.call('ZREM', K.delayed(base), record.id)
  elseif state == 'running' then
    local nonce = string.match(record.fence or '', '%-(%x+)$')
    if nonce then redis.call('HDEL', K.held(base, record.worker or ''), nonce) end
    redis.call('ZREM', K.leases(base), record.id)
  end
end

-- How long an ended job is kept: the client's wish, else what the worker knows of the task, else its published card.
local function kept_ms(base, record, of_task)
  local ms = tonumber(record.retention_ms) or of_task
  if not ms then
    local card = redis.call('HGET', K.tasks(base), record.task)
    local read_well, said = pcall(cjson.decode, card or '{}')
    ms = read_well and type(said) == 'table' and tonumber(said.retention_ms) or KEEP_DEFAULT
  end
  if record.fingerprint then ms = math.max(ms, KEEP_REPEATABLE) end
  return math.max(ms, KEEP_LEAST)
end

-- Ends a job for good. `fields` are further fields of the record, name after value. `record.kind`: why it failed, to be counted.
local function conclude(base, now, record, state, fields, of_task)
  local from, id = record.state, record.id
  local job = K.job(base, id)
  redis.call('HSET', job, 'state', state, 'finished_at', whole(now), unpack(fields or {}))
  redis.call('ZADD', K.finished(base, state), whole(now), id)
  if state == 'failed' then redis.call('HINCRBY', K.failures(base), record.task .. ':' .. (record.kind or 'other'), 1) end
  moved(base, record, state)
  redis.call('HDEL', job, 'lease', 'deadline_at', 'hinted_at')
  local kept = whole(kept_ms(base, record, of_task))
  for _, key in ipairs({ job, K.job_input(base, id), K.job_log(base, id), K.job_attempts(base, id) }) do
    redis.call('PEXPIRE', key, kept)
  end
  if state == 'succeeded' then redis.call('PEXPIRE', K.job_result(base, id), kept) end
  redis.call('DEL', K.cancel(base, id))
  unique_give_back(base, record)
  leave(base, record, from)
end

local function conclude_cancelled(base, now, record, ask, fields, of_task)
  local all = fields or {}
  redis.call('HSETNX', K.job(base, record.id), 'cancel_requested_at', whole(now))
  if ask.reason then
    all[#all + 1] = 'cancel_reason'
    all[#all + 1] = ask.reason
  end
  conclude(base, now, record, 'cancelled', all, of_task)
end

local function conclude_failed(base, now, record, kind, message)
  local problem = cjson.encode({ kind = kind, message = message, retryable = false })
  record.kind = kind
  conclude(base, now, record, 'failed', { 'error', problem })
end

local function conclude_expired(base, now, record)
  conclude_failed(base, now, record, 'expired', 'it had not started by its expiry')
end

-- running -> queued, free, with its old place in the queue. With `forget` the fence is void: what still carries it is
-- refused; without, a repetition of the finish that led here is recognised.
local function requeue(base, record, forget)
  local job = K.job(base, record.id)
  redis.call('HSET', job, 'state', 'queued')
  redis.call('HDEL', job, 'lease', 'deadline_at', 'started_at', 'pid', 'progress', 'hinted_at')
  if forget then redis.call('HDEL', job, 'fence') end
  enqueue(base, record)
  moved(base, record, 'queued')
  leave(base, record, 'running')
end

-- One JSON line about an ended attempt. `more` is JSON text that begins with a comma.
local function note_attempt(base, now, record, outcome, more)
  local line = '{"attempt":' .. (record.attempt or '0') .. ',"outcome":"' .. outcome .. '"'
  if record.worker then line = line .. ',"worker":' .. cjson.encode(record.worker) end
  line = line .. ',"started_at":' .. (record.started_at or whole(now)) .. ',"ended_at":' .. whole(now)
  local attempts = K.job_attempts(base, record.id)
  local length = redis.call('RPUSH', attempts, line .. (more or '') .. '}')
  if length > ATTEMPTS_KEPT then redis.call('LTRIM', attempts, -ATTEMPTS_KEPT, -1) end
end

-- A run that nobody can tell the end of: its lease ran out, or its slot died under it. Its processes are gone. Spends
-- lost_retries. `forget` as for requeue, `about` as note_attempt's `more`.
local function lose(base, now, record, why, forget, about)
  local ask = asked(base, record.id)
  note_attempt(base, now, record, 'lost', about)
  if ask then return conclude_cancelled(base, now, record, ask) end
  local lost = (tonumber(record.lost) or 0) + 1
  redis.call('HSET', K.job(base, record.id), 'lost', whole(lost))
  if lost > (tonumber(record.lost_retries) or LOST_RETRIES) then
    if forget then redis.call('HDEL', K.job(base, record.id), 'fence') end
    local times = lost == 1 and 'once' or whole(lost) .. ' times'
    return conclude_failed(base, now, record, 'lost', why .. ' (lost ' .. times .. ')')
  end
  requeue(base, record, forget)
end

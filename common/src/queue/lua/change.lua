-- dayfly_change: another priority or another time for a job that waits.
-- By hand, to run a delayed job: FCALL dayfly_change 1 'dayfly:{0}:' ID '' now
-- KEYS: the base.
-- ARGV: id, priority (0..9), at (ms since the epoch, or `now`). Empty text = as it is; what follows the id may be left out.
-- Returns: {"done", state} | {"wrong", state} it does not wait | {"late", expires_at} it must have started before | {"unknown"}
-- Crash points: atomic; all checks come before the first write. Moves are those of claim and sweep: the new index is written
-- first, the old one goes last. Sent again it changes nothing more.

local function change(keys, args)
  local base = base_of(keys)
  local id, priority = args[1], number_of(args, 2)
  local at = args[3] == 'now' and 0 or number_of(args, 3)
  if not id then error({ err = 'ERR the id is needed' }) end
  if priority and priority > 9 then error({ err = 'ERR priority must be 0 to 9' }) end
  local record = read(base, id)
  if not record then return { 'unknown' } end
  local now, job, from = clock(), K.job(base, id), record.state
  if not waiting(record) then return { 'wrong', from } end
  local ask = asked(base, id)
  if ask then
    conclude_cancelled(base, now, record, ask)
    return { 'wrong', record.state }
  end
  local later = at and at > now
  -- The expiry of a job that has run before is over and done with.
  local expires_at = tonumber(record.expires_at)
  if later and expires_at and at >= expires_at and redis.call('ZSCORE', K.expiring(base), id) then
    return { 'late', record.expires_at }
  end

  if priority == 5 then
    redis.call('HDEL', job, 'priority')
  elseif priority then
    redis.call('HSET', job, 'priority', whole(priority))
  end
  record.priority = priority and whole(priority) or record.priority
  if later then
    record.ready_at = whole(at)
    redis.call('HSET', job, 'state', 'scheduled', 'ready_at', record.ready_at)
    redis.call('ZADD', K.delayed(base), record.ready_at, id)
    if from == 'queued' then
      moved(base, record, 'scheduled')
      unpark(base, record)
      dequeue(base, record.task, id)
    end
  elseif at and from == 'scheduled' then
    record.ready_at = whole(now)
    redis.call('HSET', job, 'state', 'queued', 'ready_at', record.ready_at)
    enqueue(base, record)
    moved(base, record, 'queued')
    redis.call('ZREM', K.delayed(base), id)
  elseif from == 'queued' then
    enqueue(base, record)
    unpark(base, record)
  end
  -- Who looks at it hears of it also when its state has stayed.
  if record.state == from then
    redis.call('XADD', K.events(base), 'MAXLEN', '~', EVENTS_KEPT, '*', 'id', id, 'task', record.task)
  end
  return { 'done', record.state }
end

redis.register_function{ function_name = 'dayfly_change', callback = change, flags = { 'allow-oom' } }

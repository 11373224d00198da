-- How many jobs stood in each state, once a minute: what charts of throughput are drawn from. `counts` holds totals of ended jobs, so
-- that the difference of two minutes is what ended between them; no operation on a job has to write for it.

local MINUTES_KEPT = 1500 -- a day and an hour
local TASKS_NOTED = 100 -- task by task; the sums are over all of them

-- Fields: each state, summed; and `<task>:succeeded` and `<task>:failed` of the first tasks by name.
local function note_minute(base, now, noted)
  local minute = math.floor(now / 60000)
  if noted == minute then return end
  redis.call('HSET', K.sweep(base), 'minute', whole(minute))
  local sums = { queued = 0, scheduled = 0, running = 0, succeeded = 0, failed = 0, cancelled = 0 }
  local counts, tasks, seen = redis.call('HGETALL', K.counts(base)), {}, {}
  local of = {}
  for at = 1, #counts, 2 do
    local task, state = string.match(counts[at], '^(.*):(%l+)$')
    local number = tonumber(counts[at + 1])
    if task and sums[state] and number then
      sums[state] = sums[state] + number
      of[counts[at]] = number
      if not seen[task] then
        seen[task] = true
        tasks[#tasks + 1] = task
      end
    end
  end
  table.sort(tasks)
  local entry = {}
  for _, state in ipairs({ 'queued', 'scheduled', 'running', 'succeeded', 'failed', 'cancelled' }) do
    entry[#entry + 1] = state
    entry[#entry + 1] = whole(sums[state])
  end
  for at = 1, math.min(#tasks, TASKS_NOTED) do
    for _, state in ipairs({ 'succeeded', 'failed' }) do
      entry[#entry + 1] = tasks[at] .. ':' .. state
      entry[#entry + 1] = whole(of[tasks[at] .. ':' .. state] or 0)
    end
  end
  redis.call('XADD', K.minutes(base), 'MAXLEN', '~', MINUTES_KEPT, '*', unpack(entry))
end

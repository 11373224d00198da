-- dayfly_version: the revision of this library.
-- KEYS: the base, or none.  ARGV: none.  Returns: an integer.
-- Crash points: writes nothing.

redis.register_function{
  function_name = 'dayfly_version',
  callback = function() return REVISION end,
  flags = { 'no-writes' },
}

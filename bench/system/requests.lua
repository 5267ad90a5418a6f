-- SPDX-License-Identifier: MIT
-- What wrk asks, and what it says at the end: a line of JSON.
-- usage: wrk … -s requests.lua URL -- [post=OCTETS] [pipelined=COUNT]

function init(arguments)
  for _, argument in ipairs(arguments) do
    local name, number = argument:match("^(%w+)=(%d+)$")
    if name == "post" then
      wrk.method = "POST"
      wrk.body = string.rep("x", tonumber(number))
    elseif name == "pipelined" then
      local together = string.rep(wrk.format(), tonumber(number))
      request = function() return together end
    end
  end
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"seconds": %f, "requests": %d, "p50_ms": %f, "p99_ms": %f, "p999_ms": %f, "errors": %d}\n',
    summary.duration / 1e6, summary.requests,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, latency:percentile(99.9) / 1e3,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end

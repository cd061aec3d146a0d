-- For wrk: posts the body of the environment with its token, and tells its figures on one line (times in µs).
wrk.method = "POST"
wrk.body = os.getenv("CORPS")
wrk.headers["Content-Type"] = "application/json"
local jeton = os.getenv("JETON")
if jeton and jeton ~= "" then
  wrk.headers["Authorization"] = "Bearer " .. jeton
end

function done(resume, latence, _)
  local e = resume.errors
  local ratees = e.connect + e.read + e.write + e.status + e.timeout
  io.write(string.format("BILAN %d %d %d %d %d\n", resume.requests, ratees, resume.duration,
    latence:percentile(50), latence:percentile(99)))
end

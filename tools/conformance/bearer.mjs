// Stands before a server that wants a token, for a suite that cannot send one.
//
//   node bearer.mjs URL TOKEN_FILE
//
// It adds the token, and where a request names this address it names the server's
// instead, as a client of the server would. Everything else, names of other hosts
// above all, goes through as it came, so that the server's own checks are tried.

import { createServer, request } from "node:http";
import { readFileSync } from "node:fs";

const [url, tokenFile] = process.argv.slice(2);
const target = new URL(url);
const token = readFileSync(tokenFile, "utf8").trim();

const server = createServer((asked, answer) => {
  const { port } = server.address();
  const ours = new Set([`127.0.0.1:${port}`, `localhost:${port}`]);
  const headers = { ...asked.headers, authorization: `Bearer ${token}` };
  if (ours.has(headers.host)) headers.host = target.host;
  const from = headers.origin?.replace(/^http:\/\//, "");
  if (ours.has(from)) headers.origin = target.origin;
  const { method, url: path } = asked;
  const onward = request(
    { hostname: target.hostname, port: target.port, path, method, headers, setHost: false },
    (answered) => {
      answer.writeHead(answered.statusCode, answered.headers);
      answered.pipe(answer);
    },
  );
  onward.on("error", () => answer.destroy());
  answer.on("close", () => onward.destroy());
  asked.pipe(onward);
});
server.listen(0, "127.0.0.1", () => {
  console.log(JSON.stringify({ url: `http://127.0.0.1:${server.address().port}${target.pathname}` }));
});

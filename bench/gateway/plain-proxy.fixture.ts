import { Agent, createServer, request as send } from 'node:http';
import type { AddressInfo } from 'node:net';

// The yardstick: a reverse proxy in a dozen lines of Node that does nothing but pass on.

const [target = ''] = process.argv.slice(2);
const agent = new Agent({ keepAlive: true, maxSockets: 256 });
const { hostname, port } = new URL(target);
const server = createServer((request, response) => {
  const { method, url, headers } = request;
  const passed = send({ agent, hostname, port, method, path: url, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  passed.on('error', () => response.destroy());
  request.pipe(passed);
});
server.listen(0, '127.0.0.1', () => {
  process.send?.({ endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
});
process.on('disconnect', () => process.exit());

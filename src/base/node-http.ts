/**
 * node:http without what it has for others. An `import` from it evaluates every getter among its exports, and with
 * `WebSocket` all of undici: 15 MiB of a process that serves one page.
 */
export const { createServer, get } = process.getBuiltinModule('node:http');

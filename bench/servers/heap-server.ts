/**
 * Sluice embedded in a process that tells its parent how big its heap is after a garbage collection. Needs
 * `--expose-gc` and an IPC channel.
 *
 * Argument: the RTMP port. Each message from the parent is answered with the heap's size, bytes.
 */
import { createServer } from 'sluice';

const [port = ''] = process.argv.slice(2);
const server = createServer({ listen: [{ host: '127.0.0.1', port: Number(port) }] });
await server.start();

process.on('message', () => {
  // Twice: what finalizers let go in the first collection goes in the second.
  globalThis.gc?.();
  setImmediate(() => {
    globalThis.gc?.();
    process.send?.(process.memoryUsage().heapUsed);
  });
});
process.on('disconnect', () => {
  process.exit();
});

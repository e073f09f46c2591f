export { adoptSocket } from './adopt-socket.ts';

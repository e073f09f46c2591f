import { isMet, type Results } from './results.ts';

/** What is known to hold a promise back: said on the page whenever it is missed. */
const reasons: readonly { case: RegExp; check: RegExp; reason: string }[] = [
  {
    case: /^players-/,
    check: /nginx-rtmp/,
    reason:
      'Both servers spend nearly all of it in the kernel. nginx-rtmp writes every message by itself; once the load ' +
      'client’s core is full (see `loads CPU %`), TCP probably gathers these writes, so that nginx-rtmp needs less than its due (not proven).',
  },
  {
    case: /^players-/,
    check: /node-media-server|floor/,
    reason:
      'Sluice is at the cost of the writes themselves: what is above the floor is the spreading of players over ' +
      'groups of 250 that are flushed at different times, so that a join never waits behind a long flush. One burst for all would ' +
      'be about 4 % cheaper. The rest is not explained: runs on the same machine gave from 1.0 to 1.3 times the floor.',
  },
  {
    case: /^publishers-/,
    check: /memory/,
    reason:
      'nginx-rtmp keeps no GOP for players to start with; Sluice keeps each publisher’s last two seconds (62 kB ' +
      'here, in blocks of 16 kB), and Node itself is some 85 MB before the first connection.',
  },
  {
    case: /^publishers-/,
    check: /mr off/,
    reason:
      'Three quarters of it are one epoll event and one read() for each message, which is nginx-rtmp’s whole cost too; the ' +
      'rest is JavaScript on cold cache lines. `mr on` is the answer for many publishers.',
  },
  {
    case: /^hls-publishers/,
    check: /CPU/,
    reason:
      'By perf, more than a third is the publishers alone, and another one the kernel’s work on files, which one thread ' +
      'beside the event loop does in one go for a segment and its playlist. Half of that is the copy of the segments into ' +
      'new pages of the file cache, which nginx-rtmp pays alike; the rest is mostly two new inodes and two renames a ' +
      'segment, for no reader ever to see half a file, where nginx-rtmp writes segments under their final names. What ' +
      'remains is packing into MPEG-TS, and memory for it.',
  },
  {
    case: /^dvr-publishers/,
    check: /disk|ready/,
    reason:
      'All publishers of the load begin within half a second, so 200 segments end together and wait for one thread ' +
      'and one core; and the time counts from the next keyframe, at which a segment is known to be over.',
  },
  {
    case: /^hls-viewers/,
    check: /nginx/,
    reason:
      'A segment goes to its socket in one write, so both servers spend nearly all of it in the kernel’s copy. nginx with ' +
      '`sendfile` copies from the page cache without a second buffer.',
  },
  {
    case: /^playlist-rate/,
    check: /requests/,
    reason:
      'A playlist with sessions is made for each viewer; what is left is Node’s own HTTP server, which takes most of it.',
  },
  {
    case: /^vod-/,
    check: /first playlist/,
    reason:
      'Without an index in the file, the heads of all its tags are read once; the first request of a server that has just ' +
      'started also pays for code that is not compiled yet.',
  },
  {
    case: /^observed-/,
    check: /CPU/,
    reason:
      'In a second of 4,000 players, two who come and two who go make eight callbacks of some 0.2 ms each, and what is ' +
      'read every 10 s looks at all sessions. Without anybody coming and going there is next to nothing to see.',
  },
  {
    case: /^api-clients/,
    check: /./,
    reason:
      'A page takes about half a millisecond. What is slower has waited for a turn of the event loop in which 250 players ' +
      'are written to (some 3 ms), or for the garbage collector.',
  },
  {
    case: /^connects-/,
    check: /./,
    reason:
      'A connect with its two callbacks costs the server some 0.3 to 0.4 ms: sockets a quarter, callbacks a fifth, the ' +
      'garbage collector a seventh. At 2,000 a second its core is nearly full, and so is the other one with the load client and ' +
      'the callback server.',
  },
  {
    case: /^reload-/,
    check: /reload/,
    reason: 'Nearly all of it is reading and checking the file in one go, so that a bad one changes nothing.',
  },
  {
    case: /^vhosts-/,
    check: /memory/,
    reason:
      'What is kept of a thousand vhosts is some 4 MB. The rest is what reading their file has left behind, which the garbage ' +
      'collector takes when the server has something to do.',
  },
  {
    case: /^latency-/,
    check: /p50|p99/,
    reason:
      'With few players the fixed cost of a turn of Node’s event loop counts. Two of a hundred frames are keyframes, so ' +
      'p99 is the time that a keyframe takes to all players, and pauses of the garbage collector and of the ' +
      'compiler fall into it. With 1,000 players the shared bytes make up for it.',
  },
];

/** A line for each missed promise whose reason is known. */
export function missedReasons(results: Results): string[] {
  return Object.entries(results.cases).flatMap(([name, { title, checks }]) =>
    Object.entries(checks).flatMap(([what, check]) => {
      if (isMet(check)) return [];
      const known = reasons.find((entry) => entry.case.test(name) && entry.check.test(what));
      return known === undefined ? [] : [`- **${title}: ${what}.** ${known.reason}`];
    }),
  );
}

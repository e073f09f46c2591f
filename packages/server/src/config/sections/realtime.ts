import { Section } from './section.ts';
import { block } from './blocks.ts';
import { addresses, choice, flag, integer, milliseconds, path, seconds, text, words } from './values.ts';

/** `rtc{}` of a vhost. */
export const rtcSection = new Section('rtc', {
  enabled: flag('enabled', { default: false, means: 'Offers the streams over WebRTC.' }),
  bframe: choice('bframe', ['discard', 'keep'], { default: 'discard', means: 'What happens to B-frames.' }),
  keepBframe: flag('keep_bframe', { default: false, means: 'Keeps B-frames; later spelling of `bframe`.' }),
  keepAvcSei: flag('keep_avc_nalu_sei', { default: true, means: 'Keeps SEI NAL units.' }),
  aac: choice('aac', ['transcode', 'discard'], { default: 'transcode', means: 'What happens to AAC.' }),
  opusBitrate: integer('opus_bitrate', {
    default: 48_000,
    shape: 'BPS',
    means: 'Bitrate of audio to WebRTC.',
  }),
  aacBitrate: integer('aac_bitrate', {
    default: 48_000,
    shape: 'BPS',
    means: 'Bitrate of audio from WebRTC.',
  }),
  stunTimeoutMs: seconds('stun_timeout', {
    default: 30_000,
    means: 'A silent peer is dropped after so long.',
  }),
  stunStrictCheck: flag('stun_strict_check', {
    default: true,
    means: 'Refuses STUN of a peer that changed.',
  }),
  dtlsRole: choice('dtls_role', ['active', 'passive'], { default: 'passive', means: 'Who begins DTLS.' }),
  dtlsVersion: choice('dtls_version', ['auto', 'dtls1.0', 'dtls1.2'], {
    default: 'auto',
    means: 'DTLS version.',
  }),
  nack: flag('nack', { default: true, means: 'Sends lost packets again.' }),
  nackPreferRtx: flag('nack_prefer_rtx', {
    default: false,
    means: 'Sends them in a stream of their own (RTX), where a player takes that.',
  }),
  nackNoCopy: flag('nack_no_copy', { default: true, means: 'Keeps packets for that without a copy.' }),
  twcc: flag('twcc', { default: true, means: 'Uses transport-wide congestion control.' }),
  dropForPt: integer('drop_for_pt', { default: 0, max: 127, means: 'Drops packets of this payload type.' }),
  rtmpToRtc: flag('rtmp_to_rtc', { default: false, means: 'Offers RTMP streams to WebRTC players.' }),
  rtcToRtmp: flag('rtc_to_rtmp', { default: false, means: 'Offers WebRTC streams to RTMP players.' }),
  pliForRtmpMs: seconds('pli_for_rtmp', {
    default: 6_000,
    means: 'How often a WebRTC publisher is asked for a keyframe.',
  }),
});

const rtcTcpSection = new Section('tcp', {
  enabled: flag('enabled', { default: false, means: 'Serves WebRTC over TCP, too.' }),
  listen: addresses('listen', { default: [{ port: 8000 }], means: 'The TCP addresses.' }),
});

const blackHoleSection = new Section('black_hole', {
  enabled: flag('enabled', { default: false, means: 'Copies the packets elsewhere, for debugging.' }),
  address: text('addr', { default: '', shape: 'HOST:PORT', means: 'Where the packets go.' }),
});

/** `rtc_server{}` of the root. */
export const rtcServerSection = new Section('rtc_server', {
  enabled: flag('enabled', { default: false, means: 'Serves WebRTC.' }),
  listen: addresses('listen', { default: [{ port: 8000 }], means: 'The UDP addresses.' }),
  tcp: block('tcp', rtcTcpSection, { means: 'WebRTC over TCP.' }),
  protocol: choice('protocol', ['udp', 'tcp', 'all'], {
    default: 'udp',
    means: 'The transports that are offered.',
  }),
  candidates: words('candidate', {
    default: ['*'],
    shape: 'ADDRESS …',
    means: 'The addresses that peers are told.',
  }),
  apiAsCandidates: flag('api_as_candidates', {
    default: true,
    means: "Takes the API's host as a candidate.",
  }),
  resolveApiDomain: flag('resolve_api_domain', { default: true, means: 'Resolves that host first.' }),
  keepApiDomain: flag('keep_api_domain', { default: false, means: 'Gives that host unresolved, too.' }),
  useAutoDetect: flag('use_auto_detect_network_ip', {
    default: true,
    means: "Takes the machine's addresses as candidates.",
  }),
  ipFamily: choice('ip_family', ['ipv4', 'ipv6', 'all'], { default: 'ipv4', means: 'Which of them.' }),
  ecdsa: flag('ecdsa', { default: true, means: 'Uses an ECDSA certificate rather than RSA.' }),
  encrypt: flag('encrypt', { default: true, means: 'Encrypts the media.' }),
  reuseport: integer('reuseport', { default: 1, min: 1, means: 'Sockets per address.' }),
  mergeNalus: flag('merge_nalus', { default: false, means: 'Sends NAL units of one frame together.' }),
  perfStat: flag('perf_stat', { default: false, means: 'Keeps statistics of its own speed.' }),
  dir: path('dir', { default: './objs/nginx/html', means: 'A directory of files; nothing uses it.' }),
  blackHole: block('black_hole', blackHoleSection, { means: 'A copy of the packets.' }),
});

/** `srt{}` of a vhost. */
export const srtSection = new Section('srt', {
  enabled: flag('enabled', { default: false, means: 'Takes and offers streams over SRT.' }),
  srtToRtmp: flag('srt_to_rtmp', { default: true, means: 'Offers SRT streams to RTMP players.' }),
});

/** `srt_server{}` of the root. */
export const srtServerSection = new Section('srt_server', {
  enabled: flag('enabled', { default: false, means: 'Serves SRT.' }),
  listen: addresses('listen', { default: [{ port: 10_080 }], means: 'The UDP addresses.' }),
  maxBandwidth: integer('maxbw', {
    default: -1,
    min: -1,
    shape: 'BYTES/S',
    means: 'Most bandwidth; -1 is no limit.',
  }),
  mss: integer('mss', { default: 1500, min: 76, means: 'Largest packet.' }),
  connectTimeoutMs: milliseconds('connect_timeout', {
    default: 3_000,
    aliases: ['connecttimeout'],
    means: 'The time limit of a handshake.',
  }),
  peerIdleTimeoutMs: milliseconds('peer_idle_timeout', {
    default: 10_000,
    aliases: ['peeridletimeout'],
    means: 'A silent peer is dropped after so long.',
  }),
  latencyMs: milliseconds('latency', { default: 120, means: 'Latency in both directions.' }),
  peerLatencyMs: milliseconds('peerlatency', { default: 0, means: 'Latency that the peer is asked for.' }),
  receiveLatencyMs: milliseconds('recvlatency', { default: 120, means: 'Latency of what is received.' }),
  timestampDelivery: flag('tsbpdmode', { default: true, means: 'Delivers packets by their time.' }),
  dropTooLate: flag('tlpktdrop', { default: true, means: 'Drops packets that come too late.' }),
  sendBuffer: integer('sendbuf', { default: 8192 * 1316, shape: 'BYTES', means: 'Send buffer.' }),
  receiveBuffer: integer('recvbuf', { default: 8192 * 1316, shape: 'BYTES', means: 'Receive buffer.' }),
  payloadSize: integer('payload_size', {
    default: 1316,
    max: 1456,
    aliases: ['payloadsize'],
    shape: 'BYTES',
    means: 'Payload of one packet.',
  }),
  defaultStreamId: text('default_streamid', {
    default: '#!::r=live/livestream,m=request',
    means: 'The stream id of peers that give none.',
  }),
  passphrase: text('passphrase', { default: '', means: 'Encrypts with this pass phrase.' }),
  keyLength: integer('pbkeylen', {
    default: 0,
    max: 32,
    shape: 'BYTES',
    means: 'Key length: 0, 16, 24 or 32.',
  }),
  mixCorrect: flag('mix_correct', { default: true, means: 'Sorts audio and video into one order of time.' }),
  defaultApp: text('default_app', { default: 'live', means: 'The app of streams that name none.' }),
  seiFilter: flag('sei_filter', { default: true, means: 'Leaves SEI NAL units out.' }),
});

/** `rtsp{}` of a vhost. */
export const rtspSection = new Section('rtsp', {
  enabled: flag('enabled', { default: false, means: 'Offers the streams over RTSP.' }),
  rtmpToRtsp: flag('rtmp_to_rtsp', { default: false, means: 'Offers RTMP streams to RTSP players.' }),
});

/** `rtsp_server{}` of the root. */
export const rtspServerSection = new Section('rtsp_server', {
  enabled: flag('enabled', { default: false, means: 'Serves RTSP.' }),
  listen: addresses('listen', { default: [{ port: 554 }], means: 'The TCP addresses.' }),
});

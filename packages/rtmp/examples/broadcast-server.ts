/**
 * A server that broadcasts: whoever publishes rtmp://HOST/APP/STREAM is seen by all who play it.
 *
 *   tsx examples/broadcast-server.ts [PORT]
 */
import { createRtmpServer, RtmpRefusal } from '@sluice/rtmp/node';
import type { RtmpServerPlayer, RtmpServerPublisher } from '@sluice/rtmp/node';
import type { MediaMessage, StreamUrl } from '@sluice/rtmp';

interface Stream {
  publisher?: RtmpServerPublisher | undefined;
  readonly players: Set<RtmpServerPlayer>;
  /** The newest metadata and sequence headers, which late players need first. */
  readonly configuration: Map<string, MediaMessage>;
}

const streams = new Map<string, Stream>();

function streamOf({ vhost, app, stream: name }: StreamUrl): Stream {
  const key = `${vhost}/${app}/${name}`;
  const stream = streams.get(key) ?? { players: new Set(), configuration: new Map() };
  streams.set(key, stream);
  return stream;
}

function forgetIfUnused({ vhost, app, stream: name }: StreamUrl): void {
  const key = `${vhost}/${app}/${name}`;
  const stream = streams.get(key);
  if (stream?.publisher === undefined && stream?.players.size === 0) streams.delete(key);
}

const server = createRtmpServer({
  onPublish(publisher) {
    const stream = streamOf(publisher.url);
    if (stream.publisher !== undefined) throw new RtmpRefusal('the stream is published already');
    stream.publisher = publisher;
  },
  onMedia(publisher, message) {
    const { players, configuration } = streamOf(publisher.url);
    if (message.configures !== undefined) configuration.set(message.configures, message);
    for (const player of players) player.send(message);
  },
  onUnpublish({ url }) {
    const stream = streamOf(url);
    stream.publisher = undefined;
    stream.configuration.clear();
    for (const player of stream.players) player.end();
    forgetIfUnused(url);
  },
  onPlay(player) {
    const { players, configuration } = streamOf(player.url);
    for (const message of configuration.values()) player.send(message);
    players.add(player); // It starts at the next keyframe by itself.
    console.log(`${player.connection.remoteAddress} plays ${player.url.app}/${player.url.stream}`);
  },
  onStop(player) {
    streamOf(player.url).players.delete(player);
    forgetIfUnused(player.url);
  },
  onClose: ({ remoteAddress }, { reason, error }) => {
    console.log(`${remoteAddress}: ${reason}`, error?.message ?? '');
  },
});

const port = await server.listen({ port: Number(process.argv[2] ?? 1935) });
console.log(`rtmp://localhost:${port}`);
process.once('SIGINT', () => void server.close());

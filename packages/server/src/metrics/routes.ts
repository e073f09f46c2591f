import type { FastifyInstance, FastifyPluginCallback } from 'fastify';

import type { ServerMetrics } from './server-metrics.ts';

/** How `/metrics` is served. */
export interface MetricsRoutesOptions {
  readonly metrics: Pick<ServerMetrics, 'text' | 'contentType'>;
  /** Asks for a password: the API's own guard, on its port. Default: everybody may read. */
  readonly guard?: ((app: FastifyInstance) => void) | undefined;
}

/** `GET /metrics` for a fastify server. */
export function metricsRoutes({ metrics, guard }: MetricsRoutesOptions): FastifyPluginCallback {
  return (app, _options, done) => {
    guard?.(app);
    app.get('/metrics', async (_request, reply) => {
      const text = await metrics.text();
      return reply.type(metrics.contentType).header('Cache-Control', 'no-store').send(text);
    });
    done();
  };
}

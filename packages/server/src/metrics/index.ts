export { metricsRoutes, type MetricsRoutesOptions } from './routes.ts';
export { ServerMetrics } from './server-metrics.ts';
export type { MeasuredStream, MetricsSource } from './source.ts';

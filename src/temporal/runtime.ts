import { DefaultLogger, Runtime, makeTelemetryFilterString, type MetricsExporterConfig } from '@temporalio/worker'
import type { Logger } from '../home/logs.ts'

/** There is one per process, made by the first native connection if not before. */
let installed = false

/**
 * Temporal's own log lines go where ours go, as far as they need somebody's attention. Before the first native connection.
 *
 * @param metrics where Prometheus finds the SDK's metrics, or the URL of the collector that is told of them
 */
export function quietRuntime(logger: Logger, metrics?: string): void {
  if (installed) return
  installed = true
  Runtime.install({
    logger: new DefaultLogger('WARN', ({ level, message, meta }) => {
      const line = { temporal: meta ?? {} }
      if (level === 'ERROR') logger.error(line, message)
      else logger.warn(line, message)
    }),
    telemetryOptions: {
      logging: { filter: makeTelemetryFilterString({ core: 'WARN', other: 'ERROR' }), forward: {} },
      ...(metrics === undefined ? {} : { metrics: exporter(metrics) }),
    },
    // Ending is decided by whoever runs the worker: engine, catalog and server have to be closed in their turn.
    shutdownSignals: [],
  })
}

export function exporter(metrics: string): MetricsExporterConfig {
  return /^https?:/.test(metrics) ? { otel: { url: metrics } } : { prometheus: { bindAddress: metrics } }
}

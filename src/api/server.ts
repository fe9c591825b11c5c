import Fastify, { LogController, type FastifyBaseLogger, type FastifyInstance } from 'fastify'
import { documentBytes, toJson } from '../json/json.ts'
import { readBodies } from './body.ts'
import { connectionRoutes } from './connections.ts'
import { answerError, answerErrors } from './errors.ts'
import { isLoopback, refuseStrangers } from './guard.ts'
import { historyRoutes } from './history.ts'
import { itemRoutes } from './items.ts'
import { jobRoutes } from './jobs.ts'
import { mapRoutes } from './maps.ts'
import type { ApiParts } from './parts.ts'
import { transferRoutes } from './transfers.ts'

interface ApiOptions {
  /** The address it will listen on; decides whose requests are taken. Default 127.0.0.1. */
  host?: string
  logger?: FastifyBaseLogger
}

/** The REST API under `/v1`, not listening yet. */
export function createApi(parts: ApiParts, { host = '127.0.0.1', logger }: ApiOptions = {}): FastifyInstance {
  const app: FastifyInstance = Fastify({
    ...(logger
      ? { loggerInstance: logger, logController: new LogController({ disableRequestLogging: true }) }
      : { logger: false }),
    bodyLimit: documentBytes,
    routerOptions: { caseSensitive: false, ignoreTrailingSlash: true, maxParamLength: 200 },
    // A worker that ends must not wait for a client that keeps its connection.
    forceCloseConnections: true,
    requestTimeout: 30_000,
    frameworkErrors: (error, request, reply) => void answerError(error, request, reply),
  })
  const loopback = isLoopback(host)
  app.addHook('onRequest', (request, _reply, done) => {
    refuseStrangers(request, loopback)
    done()
  })
  app.setReplySerializer((payload) => toJson(payload))
  answerErrors(app)
  readBodies(app)
  jobRoutes(app, parts)
  historyRoutes(app, parts)
  transferRoutes(app, parts)
  itemRoutes(app, parts)
  connectionRoutes(app, parts.catalog)
  mapRoutes(app, parts.catalog)
  return app
}

import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { shown } from '../secret/shown.ts'
import { InUse, NotStarted, sentence, Unacceptable, type Problem } from '../problem.ts'
import { failure } from './envelope.ts'

/** An answer that is no success: its status and what to say. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly status: number
  readonly problems: readonly Problem[]

  constructor(status: number, problems: Problem | readonly Problem[]) {
    const all = [problems].flat()
    super(all.map(sentence).join('; '))
    this.status = status
    this.problems = all
  }
}

/** A command went to a workflow, and no answer came. */
export class Unanswered extends Error {
  override readonly name = 'Unanswered'

  constructor(command: string, cause: unknown) {
    super(`${command}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
}

/** One with a single problem. */
export function apiError(status: number, code: string, description: string, property?: string): ApiError {
  return new ApiError(status, { code, description, ...(property === undefined ? {} : { property }) })
}

export function notFound(what: string, id: string): ApiError {
  return apiError(404, 'not_found', `there is no ${what} ${shown(id)}`)
}

/** Every way a request can end badly, as `{ status, type: "error", errors: […] }`. */
export function answerErrors(app: FastifyInstance): void {
  const routes = new Map<string, { pattern: RegExp; methods: Set<string> }>()
  app.addHook('onRoute', ({ url, method }) => {
    const route = routes.get(url) ?? { pattern: patternOf(url), methods: new Set<string>() }
    for (const m of [method].flat()) route.methods.add(m)
    routes.set(url, route)
  })

  app.setNotFoundHandler((request, reply) => {
    const path = request.url.replace(/\?.*$/s, '')
    const methods = [...routes.values()].filter((r) => r.pattern.test(path)).flatMap((r) => [...r.methods])
    if (methods.length === 0)
      return answer(reply, 404, [{ code: 'not_found', description: `there is nothing at ${shown(decoded(path))}` }])
    const allowed = [...new Set(methods)].sort().join(', ')
    void reply.header('allow', allowed)
    const description = `${request.method} is not possible here, only ${allowed}`
    return answer(reply, 405, [{ code: 'method_not_allowed', description }])
  })

  app.setErrorHandler((error, request, reply) => answerError(error, request, reply))
}

export function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (error instanceof ApiError) return answer(reply, error.status, error.problems)
  if (error instanceof Unacceptable) return answer(reply, 400, error.problems)
  if (error instanceof NotStarted || error instanceof InUse) return answer(reply, 409, error.problems)
  const known = error instanceof Error && 'code' in error ? ofFastify(error as FastifyError) : undefined
  if (known) return answer(reply, known.status, known.problems)
  if (error instanceof Unanswered) {
    request.log.error({ err: error }, 'command without an answer')
    const why = `the Temporal server or its worker did not answer; the log has it as request ${request.id}`
    return answer(reply, 503, [{ code: 'unavailable', description: why }])
  }
  // What went wrong inside may name paths and addresses: the log gets it, the answer only its number.
  request.log.error({ err: error }, 'request failed')
  const description = `something went wrong inside; the log has it as request ${request.id}`
  return answer(reply, 500, [{ code: 'internal', description }])
}

function ofFastify(error: FastifyError): ApiError | undefined {
  switch (error.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return apiError(413, 'body_too_large', 'the body is larger than 1 MiB')
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return apiError(415, 'unsupported_media_type', 'send JSON, with content-type: application/json')
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return apiError(400, 'malformed', 'the body is not as long as content-length says')
    case 'FST_ERR_BAD_URL':
      return apiError(400, 'malformed', 'the address is not a well-formed URL')
    default:
      return error.statusCode !== undefined && error.statusCode < 500
        ? apiError(error.statusCode, 'malformed', error.message)
        : undefined
  }
}

function answer(reply: FastifyReply, status: number, problems: readonly Problem[]): FastifyReply {
  return reply.code(status).type('application/json; charset=utf-8').send(failure(status, problems))
}

/** An encoded secret is one too. */
function decoded(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}

function patternOf(url: string): RegExp {
  const parts = url
    .split('/')
    .map((part) => (part.startsWith(':') ? '[^/]+' : part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')))
  return new RegExp(`^${parts.join('/')}/?$`, 'i')
}

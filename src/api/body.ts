import type { FastifyInstance } from 'fastify'
import { isObject, MalformedJson, parseJson } from '../json/json.ts'
import { apiError } from './errors.ts'

/** JSON bodies only; an empty one is no body at all, because clients send `PATCH …?start=1` so. */
export function readBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => {
    const text = body.toString()
    if (text.trim() === '') {
      done(null, undefined)
      return
    }
    try {
      done(null, parseJson(text))
    } catch (error) {
      done(
        error instanceof MalformedJson
          ? apiError(400, 'malformed_json', `the body ${error.message}`)
          : (error as Error),
      )
    }
  })
}

/** The body of a request that needs one. */
export function objectOf(body: unknown): Record<string, unknown> {
  if (isObject(body)) return body
  const given = body === undefined || body === null ? 'nothing' : Array.isArray(body) ? 'an array' : `a ${typeof body}`
  throw apiError(400, 'invalid', `the body has to be a JSON object; ${given} was given`)
}

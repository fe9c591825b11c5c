import type { FastifyInstance } from 'fastify'
import { isObject, MalformedJson, parseJson } from '../json/json.ts'
import { NotUtf8, textOf } from '../json/utf8.ts'
import { apiError } from './errors.ts'

/** JSON bodies only; an empty one is no body at all, because clients send `PATCH …?start=1` so. */
export function readBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    try {
      refuseOtherCharsets(request.headers['content-type'])
      const text = textOf(body as Buffer)
      done(null, text.trim() === '' ? undefined : parseJson(text))
    } catch (error) {
      done(
        error instanceof MalformedJson || error instanceof NotUtf8
          ? apiError(400, 'malformed_json', `the body ${error.message}`)
          : (error as Error),
      )
    }
  })
}

function refuseOtherCharsets(contentType = ''): void {
  const [, charset = 'utf-8'] = /;\s*charset\s*=\s*"?([^\s";]*)/i.exec(contentType) ?? []
  if (!/^(utf-?8|us-ascii)$/i.test(charset))
    throw apiError(415, 'unsupported_media_type', 'JSON is UTF-8: send it so, and without another charset')
}

/** The body of a request that needs one. */
export function objectOf(body: unknown): Record<string, unknown> {
  if (isObject(body)) return body
  const given = body === undefined || body === null ? 'nothing' : Array.isArray(body) ? 'an array' : `a ${typeof body}`
  throw apiError(400, 'invalid', `the body has to be a JSON object; ${given} was given`)
}

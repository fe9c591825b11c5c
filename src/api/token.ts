import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { apiError } from './errors.ts'

/** Refuses every request without the home's bearer token, from this machine too: others may have accounts on it. */
export function tokenRequired(token: string): (request: FastifyRequest, reply: FastifyReply) => void {
  const expected = digest(token)
  return ({ headers }, reply) => {
    const [, given = ''] = /^Bearer +(\S+) *$/i.exec(headers.authorization ?? '') ?? []
    // Of one length, and compared in one time, whatever was sent.
    if (timingSafeEqual(digest(given), expected)) return
    void reply.header('www-authenticate', 'Bearer')
    throw apiError(
      401,
      'unauthorized',
      'this call needs the token of the home, as `authorization: Bearer …`; `stevedore up` says in which file it is',
    )
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

import type { FastifyRequest } from 'fastify'
import { apiError } from './errors.ts'

const loopbackNames = new Set(['localhost', '127.0.0.1', '[::1]'])

/**
 * Keeps web pages in somebody's browser away from the API. A page of another origin says so (`Origin`, `Sec-Fetch-Site`); a
 * page that rebinds its own DNS name to this machine still sends that name as `Host`. What was sent is not repeated: an
 * address may hold a password.
 *
 * @param loopback the API listens on this machine only, so that only this machine's own names can be meant
 */
export function refuseStrangers(request: FastifyRequest, loopback: boolean): void {
  const host = request.headers.host ?? ''
  if (loopback && !loopbackNames.has(nameOf(host)))
    throw apiError(403, 'forbidden_host', 'this API answers to localhost only, and the request names another host')
  const { origin } = request.headers
  if (origin !== undefined && hostOf(origin) !== host.toLowerCase())
    throw apiError(403, 'forbidden_origin', 'requests from web pages of other origins are refused')
  const site = request.headers['sec-fetch-site']
  if (site === 'cross-site' || site === 'same-site')
    throw apiError(403, 'forbidden_origin', 'requests from web pages of other origins are refused')
}

export function isLoopback(address: string): boolean {
  return address === 'localhost' || address === '::1' || /^127(\.\d{1,3}){3}$/.test(address)
}

function nameOf(host: string): string {
  return host.toLowerCase().replace(/:\d*$/, '')
}

function hostOf(origin: string): string | undefined {
  try {
    return new URL(origin).host
  } catch {
    return undefined
  }
}

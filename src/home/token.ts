import { randomBytes } from 'node:crypto'
import { OpenToOthers, secretFile } from './secret_file.ts'

/** The token file is not what it should be; it is left as it is. */
export class TokenError extends Error {
  override readonly name = 'TokenError'
}

/** As a bearer token is written in a header (RFC 6750); shorter ones could be guessed. */
const tokenForm = /^[\w.~+/-]{32,512}=*$/

/**
 * The home's bearer token, which every call of its API carries; made if there is none.
 *
 * @throws TokenError when others may read the file, or no token is in it
 */
export function openToken(file: string): string {
  const token = textOf(file).trim()
  if (tokenForm.test(token)) return token
  throw new TokenError(`token ${file} holds no token of 32 characters or more: remove it, and another is made`)
}

function textOf(file: string): string {
  try {
    return secretFile(file, () => Buffer.from(`${randomBytes(32).toString('base64url')}\n`)).toString('latin1')
  } catch (error) {
    const why = error instanceof OpenToOthers ? 'is open to others' : `cannot be read: ${(error as Error).message}`
    throw new TokenError(`token ${file} ${why}; remove it, and another is made`, { cause: error })
  }
}

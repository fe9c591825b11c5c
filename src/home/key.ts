import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'
import { OpenToOthers, secretFile } from './secret_file.ts'

/** Encrypts what must not be readable in the catalog. */
export interface Key {
  /** @param purpose where the text belongs; the same must be given to `unseal`, so that sealed texts can't be swapped */
  seal(text: string, purpose: string): string
  /** @throws KeyError when it was sealed by another key, for another purpose, or was altered */
  unseal(sealed: string, purpose: string): string
}

/** The key file, or a text sealed with it, is not what it should be. */
export class KeyError extends Error {
  override readonly name = 'KeyError'
}

const keyBytes = 32
const nonceBytes = 12
const tagBytes = 16
const format = 's1'

/**
 * Reads the key file, making it first if there is none. Of several processes that make it at once, one wins and all use its key.
 *
 * @throws KeyError when others may read the file, or it isn't 32 bytes long
 */
export function openKey(file: string): Key {
  const secret = secretOf(file)
  if (secret.length !== keyBytes)
    throw new KeyError(`key ${file} is damaged: ${secret.length} bytes instead of ${keyBytes}`)
  return keyOf(secret)
}

function secretOf(file: string): Uint8Array {
  try {
    return secretFile(file, () => randomBytes(keyBytes))
  } catch (error) {
    const why =
      error instanceof OpenToOthers
        ? 'is open to others: chmod 600 it, and change the passwords it protects if they may have been read'
        : `cannot be read: ${(error as Error).message}`
    throw new KeyError(`key ${file} ${why}`, { cause: error })
  }
}

/** @param secret 32 bytes */
export function keyOf(secret: Uint8Array): Key {
  // Tells one key from another without telling anything of it.
  const id = createHash('sha256').update('stevedore key id').update(secret).digest('hex').slice(0, 8)
  return {
    seal(text, purpose) {
      const nonce = randomBytes(nonceBytes)
      const cipher = createCipheriv('aes-256-gcm', secret, nonce)
      cipher.setAAD(Buffer.from(`${format}:${purpose}`))
      const body = Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()])
      return `${format}.${id}.${body.toString('base64url')}`
    },
    unseal(sealed, purpose) {
      const [version, sealedBy, encoded, ...rest] = sealed.split('.')
      if (version !== format || sealedBy === undefined || encoded === undefined || rest.length > 0) {
        throw new KeyError('a sealed text has an unknown form; a newer version may have written it')
      }
      if (sealedBy !== id) {
        throw new KeyError(
          `a sealed text belongs to key ${sealedBy}, this home has key ${id}: put the former \`key\` file back, or enter the credentials again`,
        )
      }
      const body = Buffer.from(encoded, 'base64url')
      if (body.length < nonceBytes + tagBytes) throw new KeyError('a sealed text is damaged')
      const decipher = createDecipheriv('aes-256-gcm', secret, body.subarray(0, nonceBytes), {
        authTagLength: tagBytes,
      })
      decipher.setAAD(Buffer.from(`${format}:${purpose}`))
      decipher.setAuthTag(body.subarray(-tagBytes))
      try {
        return Buffer.concat([decipher.update(body.subarray(nonceBytes, -tagBytes)), decipher.final()]).toString('utf8')
      } catch {
        throw new KeyError('a sealed text is damaged, or belongs somewhere else')
      }
    },
  }
}

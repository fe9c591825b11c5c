import { loadSharedConfigFiles } from '@smithy/core/config'
import { ConnectorError } from '../errors.ts'
import type { S3Settings } from './settings.ts'

export interface Credentials {
  accessKeyId: string
  secretAccessKey: string
  sessionToken?: string
}

/** Asked before each request; remembers what it has for as long as it lasts. @param anew what was there is refused */
export type CredentialSource = (anew?: boolean) => Promise<Credentials>

/** Those of the connection, or else what Amazon's own tools would take: environment, profile, web identity, machine. */
export function credentialsOf({ keys, profile }: Pick<S3Settings, 'keys' | 'profile'>): CredentialSource {
  if (keys) return () => Promise.resolve(keys)
  let chain: ((options?: { forceRefresh?: boolean }) => Promise<Credentials>) | undefined
  return async (anew = false) => {
    try {
      // Only here: it is large, and most connections bring their keys.
      const { defaultProvider } = await import('@aws-sdk/credential-provider-node')
      chain ??= defaultProvider(profile === undefined ? {} : { profile })
      return await chain(anew ? { forceRefresh: true } : undefined)
    } catch (error) {
      const why = `access_key: none is given, and there are no other credentials: ${(error as Error).message}`
      throw new ConnectorError('Misconfigured', why, { cause: error })
    }
  }
}

/** A profile may name the region too. */
export async function regionOf({ region, profile }: Pick<S3Settings, 'region' | 'profile'>): Promise<string> {
  const { env } = process
  const known = region ?? env['AWS_REGION'] ?? env['AWS_DEFAULT_REGION']
  if (known) return known
  const name = profile ?? env['AWS_PROFILE'] ?? 'default'
  const { configFile, credentialsFile } = await loadSharedConfigFiles()
  return configFile[name]?.['region'] ?? credentialsFile[name]?.['region'] ?? 'us-east-1'
}

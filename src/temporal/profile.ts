import type { Config } from '../config.ts'

/** Somebody has said which profile of Temporal's own configuration is meant; one that only lies there changes nothing. */
const names = (env: NodeJS.ProcessEnv): boolean =>
  env['TEMPORAL_PROFILE'] !== undefined || env['TEMPORAL_CONFIG_FILE'] !== undefined

/** Address and namespace as Temporal's own tools would have them, where variables don't say otherwise. */
export async function withProfile(config: Config, env: NodeJS.ProcessEnv = process.env): Promise<Config> {
  if (!names(env)) return config
  const { loadClientConnectConfig } = await import('@temporalio/envconfig')
  const { connectionOptions, namespace } = loadClientConnectConfig({ overrideEnvVars: strings(env) })
  const { temporal } = config
  return {
    ...config,
    temporal: {
      ...temporal,
      address: temporal.address ?? connectionOptions.address,
      namespace: env['TEMPORAL_NAMESPACE'] === undefined ? (namespace ?? temporal.namespace) : temporal.namespace,
    },
  }
}

function strings(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined))
}

/** Secrets, set by `npx sst secret set <Name> <value>`. Containers get them from encrypted parameters when they start: no value
 * stands in a task definition, and the GPU function gets none. */
export function createSecrets() {
  return {
    discordToken: parameter("DiscordToken"),
    signingSecret: parameter("SigningSecret"),
  };
}

function parameter(name: string) {
  const secret = new sst.Secret(name);
  return new aws.ssm.Parameter(`${name}Parameter`, {
    name: `/${$app.name}/${$app.stage}/${name}`,
    type: "SecureString",
    value: secret.value,
  });
}

/**
 * Replaces `$(NAME)` by the variable's value in `command`, `args` and `env[].value`. An unknown name stays as it is,
 * `$$` becomes `$`, so that `$$(NAME)` is a literal (k8s.io/kubernetes/third_party/forked/golang/expansion).
 */
export const expand = (text: string, variables: Readonly<Record<string, string>>): string =>
  text.replace(/\$(?:\$|\(([^()]*)\))/g, (match, name: string | undefined) =>
    name === undefined ? '$' : Object.hasOwn(variables, name) ? variables[name]! : match,
  );

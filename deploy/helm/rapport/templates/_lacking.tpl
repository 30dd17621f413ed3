{{/* What the processes name and is not there: keys that External Secrets is not told of and, where helm talks to a
     cluster, Secrets, ConfigMaps and keys that it lacks. */}}

{{/* Every process: service and kind. */}}
{{- define "rapport.processes" -}}
{{- $root := . -}}
{{- $all := list -}}
{{- range $service := splitList " " (include "rapport.services" .) -}}
{{- range $kind := splitList " " (include "rapport.kinds" (dict "root" $root "service" $service) | trim) -}}
{{- $all = append $all (dict "service" $service "kind" $kind) -}}
{{- end -}}
{{- end -}}
{{- if and .Values.topics.job (not .Values.strimzi.topics.enabled) -}}{{- $all = append $all (dict "service" "" "kind" "topics") -}}{{- end -}}
{{- if .Values.check.enabled -}}{{- $all = append $all (dict "service" "" "kind" "check") -}}{{- end -}}
{{- toYaml $all -}}
{{- end -}}

{{/* Where their secrets and files come from: a list of variable, of (Secret or ConfigMap), name, key. */}}
{{- define "rapport.sources" -}}
{{- $root := . -}}
{{- $asked := dict -}}
{{- range $process := include "rapport.processes" . | fromYamlArray -}}
{{- $here := merge (dict "root" $root) $process -}}
{{- $user := include "rapport.kafkaUser" $here -}}
{{- $secrets := include "rapport.readHere" (merge (dict "map" (include "rapport.secrets" $here | fromYaml)) $here) | fromYaml -}}
{{- range $from := list $secrets (include "rapport.filesHere" $here | fromYaml) -}}
{{- range $variable, $value := $from -}}
{{- $name := $value.secret | default $value.configMap -}}
{{- if and $name (ne $name $user) -}}
{{- $of := ternary "Secret" "ConfigMap" (not (empty $value.secret)) -}}
{{- $key := $value.key | default "" -}}
{{- $_ := set $asked (printf "%s/%s/%s" $of $name $key) (dict "variable" $variable "of" $of "name" $name "key" $key) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toYaml (values $asked) -}}
{{- end -}}

{{/* Names of what extraObjects make. */}}
{{- define "rapport.extraNames" -}}
{{- $names := list -}}
{{- range .Values.extraObjects -}}
{{- $text := tpl (kindIs "string" . | ternary . (toYaml .)) $ -}}
{{- range regexSplit "(?m)^---" $text -1 -}}
{{- $names = append $names (dig "metadata" "name" "" (fromYaml .)) -}}
{{- end -}}
{{- end -}}
{{- toYaml (compact $names) -}}
{{- end -}}

{{- define "rapport.lacking" -}}
{{- $said := list -}}
{{- $namespace := .Release.Namespace -}}
{{- $external := .Values.externalSecrets -}}
{{- $extra := include "rapport.extraNames" . | fromYamlArray -}}
{{- $ask := and .Values.lookForSecrets (lookup "v1" "ServiceAccount" $namespace "default") -}}
{{- range include "rapport.sources" . | fromYamlArray -}}
{{- if and $external.enabled (eq .of "Secret") (eq .name $external.name) -}}
{{- if and $external.data .key (not (hasKey $external.data .key)) -}}
{{- $said = append $said (printf "%s: externalSecrets makes the Secret %s, and no key %s in it: say in externalSecrets.data where it lies." .variable .name .key) -}}
{{- end -}}
{{- else if and $ask (not (has .name $extra)) -}}
{{- $found := lookup "v1" .of $namespace .name -}}
{{- if not $found -}}
{{- $said = append $said (printf "%s: there is no %s %s in namespace %s." .variable .of .name $namespace) -}}
{{- else if and .key (not (hasKey (merge (dict) ($found.data | default dict) ($found.binaryData | default dict)) .key)) -}}
{{- $said = append $said (printf "%s: the %s %s in namespace %s has no key %s." .variable .of .name $namespace .key) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toYaml $said -}}
{{- end -}}

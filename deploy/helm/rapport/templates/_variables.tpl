{{/* The variables of a process. All templates here take root, service ("" for a command's Job) and kind: worker,
     api, topics, check, migration or clv. */}}

{{/* A setting as text: lists and maps as JSON, numbers without an exponent. */}}
{{- define "rapport.text" -}}
{{- if kindIs "string" . -}}{{ . }}{{- else -}}{{ toJson . }}{{- end -}}
{{- end -}}

{{/* What the values have under settings, secrets or files ("of"): the service's own before the others, and before
     those, of secrets, its worker's or API's. What fits the models reads the store, as the API does. */}}
{{- define "rapport.given" -}}
{{- $given := dict -}}
{{- range $name, $value := index .root.Values .of -}}{{- $_ := set $given $name $value -}}{{- end -}}
{{- if .service -}}
{{- range $name, $value := index .root.Values.services .service .of -}}{{- $_ := set $given $name $value -}}{{- end -}}
{{- $as := ternary "api" .kind (eq .kind "clv") -}}
{{- if and (eq .of "secrets") (has $as (list "worker" "api")) -}}
{{- range $name, $value := (index .root.Values.services .service $as).secrets -}}{{- $_ := set $given $name $value -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- toYaml $given -}}
{{- end -}}

{{/* The name of a service's KafkaUser, and of the Secret that Strimzi makes with it. */}}
{{- define "rapport.kafkaUser" -}}
{{ include "rapport.fullname" .root }}-{{ .service }}
{{- end -}}

{{/* Variable -> value. */}}
{{- define "rapport.settings" -}}
{{- $root := .root -}}
{{- $made := dict "RAPPORT_PARTITIONS" (printf "%d" (int $root.Values.partitions)) "RAPPORT_HOST" "0.0.0.0" -}}
{{- if eq .kind "worker" -}}
{{- $_ := set $made "RAPPORT_MEMORY_MIB" (include "rapport.budget" .) -}}
{{- end -}}
{{- range $name := splitList " " (include "rapport.services" $root) -}}
{{- $url := include "rapport.inside" (dict "root" $root "service" $name) -}}
{{- $host := index $root.Values.hosts $name -}}
{{- if and $host (eq $name $.service) -}}
{{- $url = printf "%s://%s" $root.Values.hostsScheme $host -}}
{{- end -}}
{{- $_ := set $made (printf "RAPPORT_%s_URL" (upper $name)) $url -}}
{{- end -}}
{{- if and $root.Values.strimzi.users.enabled .service -}}
{{- if eq $root.Values.strimzi.users.authentication "scram-sha-512" -}}
{{- $_ := set $made "RAPPORT_KAFKA_USERNAME" (include "rapport.kafkaUser" .) -}}
{{- $_ := set $made "RAPPORT_KAFKA_SASL_MECHANISM" "SCRAM-SHA-512" -}}
{{- $_ := set $made "RAPPORT_KAFKA_SECURITY" "sasl_ssl" -}}
{{- else -}}
{{- $_ := set $made "RAPPORT_KAFKA_SECURITY" "ssl" -}}
{{- end -}}
{{- end -}}
{{- range $name, $value := include "rapport.given" (merge (dict "of" "settings") .) | fromYaml -}}
{{- $text := include "rapport.text" $value -}}
{{- if and (ne $text "") (ne $text "null") -}}{{- $_ := set $made $name $text -}}{{- end -}}
{{- end -}}
{{- toYaml $made -}}
{{- end -}}

{{/* Variable -> {secret, key}. */}}
{{- define "rapport.secrets" -}}
{{- $made := dict -}}
{{- $users := .root.Values.strimzi.users -}}
{{- if and $users.enabled .service (eq $users.authentication "scram-sha-512") -}}
{{- $_ := set $made "RAPPORT_KAFKA_PASSWORD" (dict "secret" (include "rapport.kafkaUser" .) "key" "password") -}}
{{- end -}}
{{- range $name, $value := include "rapport.given" (merge (dict "of" "secrets") .) | fromYaml -}}
{{- if and $value (kindIs "map" $value) -}}{{- $_ := set $made $name $value -}}{{- end -}}
{{- end -}}
{{- toYaml $made -}}
{{- end -}}

{{/* Variable -> {text}, {configMap, key} or {secret, key}. */}}
{{- define "rapport.files" -}}
{{- $made := dict -}}
{{- $users := .root.Values.strimzi.users -}}
{{- if and $users.enabled .service -}}
{{- $ca := printf "%s-cluster-ca-cert" .root.Values.strimzi.cluster -}}
{{- $_ := set $made "RAPPORT_KAFKA_CA" (dict "secret" $ca "key" "ca.crt") -}}
{{- if eq $users.authentication "tls" -}}
{{- $user := include "rapport.kafkaUser" . -}}
{{- $_ := set $made "RAPPORT_KAFKA_CERTIFICATE" (dict "secret" $user "key" "user.crt") -}}
{{- $_ := set $made "RAPPORT_KAFKA_KEY" (dict "secret" $user "key" "user.key") -}}
{{- end -}}
{{- end -}}
{{- range $name, $value := include "rapport.given" (merge (dict "of" "files") .) | fromYaml -}}
{{- if and $value (kindIs "map" $value) -}}{{- $_ := set $made $name $value -}}{{- end -}}
{{- end -}}
{{- toYaml $made -}}
{{- end -}}

{{/* Of a map of variables, those that this process reads: the rest would be noise, or a secret too many. */}}
{{- define "rapport.readHere" -}}
{{- $jobs := dict "topics" "^RAPPORT_(KAFKA.*|PARTITIONS|RETENTION_.*)$" "check" "^RAPPORT_((INTERACTIONS|LOYALTY)_URL|API_KEY)$" "clv" "^RAPPORT_(KAFKA|MONGO)(_.*)?$" -}}
{{- $only := index $jobs .kind -}}
{{- $known := .root.Files.Get "files/variables.yaml" | fromYaml -}}
{{- $read := dict -}}
{{- range $name, $value := .map -}}
{{- $services := (index $known $name | default dict).services -}}
{{- if and (eq $.kind "worker") (regexMatch "^RAPPORT_(API_KEYS?|JWT_.*|JWKS_.*|OIDC_.*|RATE_LIMIT)$" $name) -}}
{{- else if $only -}}
{{- if regexMatch $only $name -}}{{- $_ := set $read $name $value -}}{{- end -}}
{{- else if or (not $.service) (not $services) (has $.service $services) -}}
{{- $_ := set $read $name $value -}}
{{- end -}}
{{- end -}}
{{- toYaml $read -}}
{{- end -}}

{{- define "rapport.filesHere" -}}
{{- include "rapport.readHere" (merge (dict "map" (include "rapport.files" . | fromYaml)) .) -}}
{{- end -}}

{{- define "rapport.env" -}}
{{- $all := dict -}}
{{- range $name, $value := include "rapport.settings" . | fromYaml -}}
{{- $_ := set $all $name (dict "value" $value) -}}
{{- end -}}
{{- range $name, $value := include "rapport.secrets" . | fromYaml -}}
{{- $_ := set $all $name (dict "valueFrom" (dict "secretKeyRef" (dict "name" $value.secret "key" $value.key))) -}}
{{- end -}}
{{- range $name, $value := include "rapport.files" . | fromYaml -}}
{{- $_ := set $all $name (dict "value" (include "rapport.path" (dict "name" $name "file" $value))) -}}
{{- end -}}
{{- $read := include "rapport.readHere" (merge (dict "map" $all) .) | fromYaml -}}
{{- range $name := keys $read | sortAlpha }}
- name: {{ $name }}
  {{- index $read $name | toYaml | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Where a file is: each has a folder and a volume of its own. Without a key, it is the whole folder. */}}
{{- define "rapport.path" -}}
/etc/rapport/{{ include "rapport.volume" .name }}{{ if .file.text }}/file{{ else if .file.key }}/{{ .file.key }}{{ end }}
{{- end -}}

{{- define "rapport.volume" -}}
{{- trimPrefix "RAPPORT_" . | lower | replace "_" "-" -}}
{{- end -}}

{{- define "rapport.volumes" -}}
{{- $texts := include "rapport.textsName" . }}
{{- range $name, $file := include "rapport.filesHere" . | fromYaml }}
- name: {{ include "rapport.volume" $name }}
  {{- if $file.secret }}
  secret:
    secretName: {{ $file.secret }}
    defaultMode: 0440
    {{- with $file.key }}
    items: [{key: {{ . | quote }}, path: {{ . | quote }}}]
    {{- end }}
  {{- else if $file.configMap }}
  configMap:
    name: {{ $file.configMap }}
    {{- with $file.key }}
    items: [{key: {{ . | quote }}, path: {{ . | quote }}}]
    {{- end }}
  {{- else }}
  configMap:
    name: {{ $texts }}
    items: [{key: {{ $name }}, path: file}]
  {{- end }}
{{- end }}
{{- end -}}

{{- define "rapport.mounts" -}}
{{- range $name, $file := include "rapport.filesHere" . | fromYaml }}
- name: {{ include "rapport.volume" $name }}
  mountPath: /etc/rapport/{{ include "rapport.volume" $name }}
  readOnly: true
{{- end }}
{{- end -}}

{{/* The ConfigMap of the files that a service, or the Jobs, are given as text, and what is in it. */}}
{{- define "rapport.textsName" -}}
{{ include "rapport.fullname" .root }}-{{ .service | default "jobs" }}-files
{{- end -}}

{{- define "rapport.texts" -}}
{{- $texts := dict -}}
{{- range $name, $file := include "rapport.filesHere" . | fromYaml -}}
{{- if $file.text -}}{{- $_ := set $texts $name $file.text -}}{{- end -}}
{{- end -}}
{{- toYaml $texts -}}
{{- end -}}

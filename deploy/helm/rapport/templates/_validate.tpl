{{/* What a schema cannot say. Each complaint names the value and what to do. */}}

{{/* Of a value under files: not empty, where it says in one way where the file is. */}}
{{- define "rapport.isFile" -}}
{{- if kindIs "map" . -}}
{{- $given := dict -}}
{{- range $name, $value := . -}}
{{- if and $value (kindIs "string" $value) (has $name (list "text" "configMap" "secret" "key")) -}}{{- $_ := set $given $name "" -}}{{- end -}}
{{- end -}}
{{- if and (eq (len $given) (len .)) (eq (len (omit $given "key")) 1) -}}yes{{- end -}}
{{- end -}}
{{- end -}}

{{/* Of a value under secrets: not empty, where it names a Secret and a key. */}}
{{- define "rapport.isSecret" -}}
{{- if kindIs "map" . -}}
{{- if and (eq (keys . | sortAlpha | join " ") "key secret") (kindIs "string" .key) (kindIs "string" .secret) .key .secret -}}yes{{- end -}}
{{- end -}}
{{- end -}}

{{/* Of a value under settings: what its variable takes, where this is none; else empty. The services look anew: here
     it is what can be said before there are pods. */}}
{{- define "rapport.takes" -}}
{{- $text := trim (include "rapport.text" .value) -}}
{{- $kinds := dict "a whole number" `^[-+]?[0-9_]+(\.0*)?$` "a number" `^[-+]?([0-9_]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?$` "true or false" `^(?i:true|false|t|f|yes|no|y|n|on|off|1|0)$` -}}
{{- if has $text (list "" "null") -}}
{{- else if and .variable.kind (or (kindIs "map" .value) (kindIs "slice" .value)) -}}
{{ .variable.kind }}, no list and no map{{ if eq .variable.kind "text" }} (several servers with commas between){{ end }}
{{- else if and (hasKey $kinds (default "" .variable.kind)) (not (regexMatch (index $kinds .variable.kind) $text)) -}}
{{ .variable.kind }}
{{- else if .variable.choices -}}
{{- $plain := list -}}
{{- range .variable.choices -}}{{- $plain = append $plain (lower . | replace "-" "_") -}}{{- end -}}
{{- if not (has ($text | lower | replace "-" "_") $plain) -}}one of {{ join ", " .variable.choices }}{{- end -}}
{{- end -}}
{{- end -}}

{{- define "rapport.validate" -}}
{{- $said := list -}}

{{- /* Values that are called otherwise here: by other charts, and by this one once a value has been renamed
       (UPGRADING.md). `null`: it was never set. */ -}}
{{- $renamed := dict
  "replicaCount" "workers.replicas and apis.replicas"
  "resources" "size, or workers.memoryMiB and apis.memoryMiB"
  "autoscaling" "workers.autoscaling and apis.autoscaling"
  "env" "settings"
  "extraEnv" "settings"
  "config" "settings"
  "existingSecret" "secrets"
  "imagePullSecrets" "image.pullSecrets"
  "priorityClassName" "priorityClass.name"
  "serviceMonitor" "monitoring.serviceMonitor"
  "prometheusRule" "monitoring.rules"
  "pdb" "podDisruptionBudget"
  "topologySpreadConstraints" "topologySpread"
  "gateway" "httpRoute"
  "kafka" "settings.RAPPORT_KAFKA"
  "mongodb" "secrets.RAPPORT_MONGO"
  "worker" "workers, or services.<name>.worker for one service"
  "api" "apis, or services.<name>.api for one service"
  "setting" "settings"
  "secret" "secrets"
  "file" "files"
  "service" "services"
  "replicas" "workers.replicas and apis.replicas"
  "host" "hosts.<name of the service>"
  "extraManifests" "extraObjects" -}}
{{- range $old, $new := $renamed -}}
{{- if hasKey $.Values $old -}}
{{- $said = append $said (printf "`%s` is `%s` in this chart (deploy/helm/rapport/UPGRADING.md)." $old $new) -}}
{{- end -}}
{{- end -}}

{{- $inService := dict
  "replicas" "worker.replicas and api.replicas"
  "replicaCount" "worker.replicas and api.replicas"
  "resources" "worker.memoryMiB, worker.cpu, api.memoryMiB and api.cpu"
  "memoryMiB" "worker.memoryMiB and api.memoryMiB"
  "cpu" "worker.cpu and api.cpu"
  "env" "settings" -}}
{{- range $service := splitList " " (include "rapport.services" .) -}}
{{- $at := printf "services.%s" $service -}}
{{- range $old, $_ := index $.Values.services $service -}}
{{- if eq $old "autoscaling" -}}
{{- $said = append $said (printf "`%s.autoscaling` is `workers.autoscaling` and `apis.autoscaling` in this chart: of all services." $at) -}}
{{- else if hasKey $inService $old -}}
{{- $said = append $said (printf "`%s.%s` is `%s` of `%s` in this chart (deploy/helm/rapport/UPGRADING.md)." $at $old (index $inService $old) $at) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /* Variables. */ -}}
{{- $known := .Files.Get "files/variables.yaml" | fromYaml -}}
{{- $places := list (dict "at" "" "values" .Values "service" "") -}}
{{- range $service := splitList " " (include "rapport.services" .) -}}
{{- $places = append $places (dict "at" (printf "services.%s." $service) "values" (index $.Values.services $service) "service" $service) -}}
{{- range $kind := list "worker" "api" -}}
{{- $own := dict "settings" dict "files" dict "secrets" (index $.Values.services $service $kind).secrets -}}
{{- $places = append $places (dict "at" (printf "services.%s.%s." $service $kind) "values" $own "service" $service) -}}
{{- end -}}
{{- end -}}
{{- $misshapen := list -}}
{{- range $place := $places -}}
{{- range $of := list "settings" "secrets" "files" -}}
{{- range $name, $value := index $place.values $of -}}
{{- $at := printf "%s%s.%s" $place.at $of $name -}}
{{- $variable := index $known $name -}}
{{- if kindIs "invalid" $value -}}
{{- else if not (hasKey $known $name) -}}
{{- $meant := printf "RAPPORT_%s" (upper $name | replace "-" "_" | trimPrefix "RAPPORT_") -}}
{{- $hint := ternary (printf "; it is %s" $meant) "; docs/operating.md lists the variables" (hasKey $known $meant) -}}
{{- $said = append $said (printf "%s: no service knows %s%s." $at $name $hint) -}}
{{- else if $variable.value -}}
{{- $said = append $said (printf "%s: the chart sets it by `%s`." $at $variable.value) -}}
{{- else if and (eq $of "settings") $variable.secret (or (ne $name "RAPPORT_MONGO") (contains "@" (toString $value))) -}}
{{- $said = append $said (printf "%s: it is a secret; put it into a Secret and name that: %ssecrets.%s: {secret: rapport, key: …}." $at $place.at $name) -}}
{{- else if and (eq $of "settings") $variable.file (ne (toString $value) "") -}}
{{- $said = append $said (printf "%s: it names a file, which no pod has: give the file under %sfiles.%s." $at $place.at $name) -}}
{{- else if and (eq $of "files") (not $variable.file) -}}
{{- $said = append $said (printf "%s: it is no file; use %ssettings.%s." $at $place.at $name) -}}
{{- else if and (eq $of "files") (eq (include "rapport.isFile" $value) "") -}}
{{- $misshapen = append $misshapen (printf "%s: say where it is, in one of three ways: {text: …}, {configMap: name, key: …} or {secret: name, key: …}." $at) -}}
{{- else if and (eq $of "secrets") (eq (include "rapport.isSecret" $value) "") -}}
{{- $misshapen = append $misshapen (printf "%s: name the Secret that it lies in, and the key in that: {secret: name, key: …}. The secret itself does not belong into values." $at) -}}
{{- else if and $place.service $variable.services (not (has $place.service $variable.services)) -}}
{{- $said = append $said (printf "%s: %s does not read it; %s does." $at $place.service (join ", " $variable.services)) -}}
{{- else if eq $of "settings" -}}
{{- with include "rapport.takes" (dict "value" $value "variable" $variable) -}}
{{- $said = append $said (printf "%s: give %s." $at .) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- range $index, $one := .Values.extraObjects -}}
{{- range regexSplit "(?m)^---" (tpl (kindIs "string" $one | ternary $one (toYaml $one)) $) -1 -}}
{{- $object := fromYaml . -}}
{{- if and $object (not (and $object.apiVersion $object.kind (or (kindIs "map" $object.metadata) (hasKey $object "items")))) -}}
{{- $misshapen = append $misshapen (printf "extraObjects[%d]: no object of Kubernetes: it has no apiVersion, kind and metadata." $index) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /* What else is looked at reads these. */ -}}
{{- if $misshapen -}}
{{- fail (printf "\n\n%s\n" (join "\n" (concat $said $misshapen | uniq))) -}}
{{- end -}}

{{- /* Told in two ways, one of which would be passed over. */ -}}
{{- range $service := splitList " " (include "rapport.services" .) -}}
{{- $settings := include "rapport.given" (dict "root" $ "of" "settings" "service" $service) | fromYaml -}}
{{- range $name, $value := include "rapport.given" (dict "root" $ "of" "secrets" "service" $service) | fromYaml -}}
{{- if and $value (not (has (toString (index $settings $name)) (list "" "<nil>"))) -}}
{{- $said = append $said (printf "%s is under settings and under secrets: leave one out (secrets.%s: null)." $name $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /* What must be there. */ -}}
{{- range $service := splitList " " (include "rapport.services" .) -}}
{{- range $kind := list "worker" "api" -}}
{{- $here := dict "root" $ "service" $service "kind" $kind -}}
{{- $settings := include "rapport.settings" $here | fromYaml -}}
{{- $secrets := include "rapport.secrets" $here | fromYaml -}}
{{- range $name, $variable := $known -}}
{{- if and $variable.required (not (hasKey $settings $name)) (not (hasKey $secrets $name)) (not (hasKey $secrets (default "" $variable.instead))) -}}
{{- $how := printf "settings.%s" $name -}}
{{- if $variable.secret -}}
{{- $at := ternary (printf "services.%s.%s." $service $kind) "" (not (empty (index $.Values.secrets $name))) -}}
{{- $how = printf "%ssecrets.%s: {secret: …, key: …}" $at $name -}}
{{- end -}}
{{- $said = append $said (printf "Set %s: %s." $how $variable.meaning) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /* Replicas and partitions. */ -}}
{{- $partitions := int .Values.partitions -}}
{{- $grow := printf "a worker beyond the partitions would idle. Set %d at most, or raise `partitions` after `rapport topics grow`." $partitions -}}
{{- with .Values.workers.autoscaling -}}
{{- if .enabled -}}
{{- if gt (int (include "rapport.mostWorkers" $)) $partitions -}}
{{- $said = append $said (printf "workers.autoscaling.maxReplicas is %d and there are %d partitions: %s" (int .maxReplicas) $partitions $grow) -}}
{{- end -}}
{{- if gt (int .minReplicas) (int (include "rapport.mostWorkers" $)) -}}
{{- $said = append $said (printf "workers.autoscaling.minReplicas is %d, above the most there may be (%s)." (int .minReplicas) (include "rapport.mostWorkers" $)) -}}
{{- end -}}
{{- if not .prometheus -}}
{{- $said = append $said "Set workers.autoscaling.prometheus: KEDA asks it how far workers are behind." -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if not .Values.workers.autoscaling.enabled -}}
{{- range $service := splitList " " (include "rapport.services" .) -}}
{{- $replicas := int (include "rapport.replicas" (dict "root" $ "service" $service "kind" "worker")) -}}
{{- if gt $replicas $partitions -}}
{{- $own := not (kindIs "invalid" (index $.Values.services $service).worker.replicas) -}}
{{- $at := ternary (printf "services.%s.worker.replicas" $service) "workers.replicas" $own -}}
{{- $said = append $said (printf "%s is %d and there are %d partitions: %s" $at $replicas $partitions $grow) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $kind, $common := dict "worker" .Values.workers "api" .Values.apis -}}
{{- range $service := splitList " " (include "rapport.services" $) -}}
{{- if and $common.autoscaling.enabled (not (kindIs "invalid" (index $.Values.services $service $kind).replicas)) -}}
{{- $said = append $said (printf "services.%s.%s.replicas: %ss.autoscaling decides how many there are; leave it out." $service $kind $kind) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- with .Values.apis.autoscaling -}}
{{- if and .enabled (gt (int .minReplicas) (int .maxReplicas)) -}}
{{- $said = append $said (printf "apis.autoscaling.minReplicas is %d, above maxReplicas (%d)." (int .minReplicas) (int .maxReplicas)) -}}
{{- end -}}
{{- end -}}

{{- /* What goes together. */ -}}
{{- with .Values.strimzi -}}
{{- if and (or .topics.enabled .users.enabled) (not .cluster) -}}
{{- $said = append $said "Set strimzi.cluster: the name of the Kafka resource whose topics and users these are." -}}
{{- end -}}
{{- if and .users.enabled (not .topics.enabled) $.Values.topics.job -}}
{{- $said = append $said "strimzi.users.enabled needs strimzi.topics.enabled, or topics.job: false: the Job that makes topics runs before there are users." -}}
{{- end -}}
{{- if and .topics.enabled (gt (int .topics.minInSyncReplicas) (int .topics.replicas)) -}}
{{- $said = append $said "strimzi.topics.minInSyncReplicas is above strimzi.topics.replicas: nothing could be written." -}}
{{- end -}}
{{- end -}}
{{- $part := "[a-z0-9]([-a-z0-9]*[a-z0-9])?" -}}
{{- range $service, $host := .Values.hosts -}}
{{- if not (regexMatch (printf `^((%s\.)+%s)?$` $part $part) $host) -}}
{{- $said = append $said (printf "hosts.%s is %s: give a name in small letters alone, such as points.example; hostsScheme says http or https, and there is no port or path." $service $host) -}}
{{- end -}}
{{- end -}}
{{- $hosts := compact (values .Values.hosts) -}}
{{- if and (or .Values.ingress.enabled .Values.httpRoute.enabled) (not $hosts) -}}
{{- $said = append $said "Set hosts.interactions (and loyalty, followup, metrics): without a name nothing is reached from outside." -}}
{{- end -}}
{{- if and .Values.httpRoute.enabled (not .Values.httpRoute.parentRefs) -}}
{{- $said = append $said "Set httpRoute.parentRefs: the Gateway that the routes belong to." -}}
{{- end -}}
{{- if .Values.networkPolicy.enabled -}}
{{- if and (or .Values.ingress.enabled .Values.httpRoute.enabled) (not .Values.networkPolicy.from.clients) -}}
{{- $said = append $said "Set networkPolicy.from.clients: until the ingress controller or gateway is named there, it cannot reach the APIs." -}}
{{- end -}}
{{- $inSecret := hasKey (include "rapport.given" (dict "root" . "of" "secrets" "service" "") | fromYaml) "RAPPORT_KAFKA" -}}
{{- if and $inSecret (not .Values.networkPolicy.kafka.ports) -}}
{{- $said = append $said "Set networkPolicy.kafka.ports: RAPPORT_KAFKA is in a Secret, so the chart cannot see them." -}}
{{- end -}}
{{- if not .Values.networkPolicy.web.ports -}}
{{- range $service := splitList " " (include "rapport.services" .) -}}
{{- $settings := include "rapport.settings" (dict "root" $ "service" $service "kind" "api") | fromYaml -}}
{{- range $name := list "RAPPORT_KAFKA_OAUTH_URL" "RAPPORT_JWKS_URL" "RAPPORT_OIDC_ISSUER" "RAPPORT_WEBHOOK_URL" -}}
{{- if hasKey $settings $name -}}
{{- $said = append $said (printf "Set networkPolicy.web.ports (such as [443]): until then nothing gets to %s." $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and .Values.monitoring.serviceMonitor.enabled (not .Values.networkPolicy.from.prometheus) -}}
{{- $said = append $said "Set networkPolicy.from.prometheus: until Prometheus is named there, it cannot read metrics." -}}
{{- end -}}
{{- end -}}
{{- range $name, $_ := .Values.podLabels -}}
{{- if has $name (list "app.kubernetes.io/name" "app.kubernetes.io/instance" "app.kubernetes.io/version" "app.kubernetes.io/component") -}}
{{- $said = append $said (printf "podLabels.%s: the chart finds its pods by it; choose another name." $name) -}}
{{- end -}}
{{- end -}}
{{- with .Values.externalSecrets -}}
{{- if and .enabled (not .store.name) -}}
{{- $said = append $said "Set externalSecrets.store.name: the store that the secrets lie in." -}}
{{- end -}}
{{- if and .enabled (not .data) -}}
{{- $said = append $said "Set externalSecrets.data: the keys of the Secret, and where each lies in the store." -}}
{{- end -}}
{{- end -}}
{{- if .Values.check.enabled -}}
{{- if not (hasKey (include "rapport.secrets" (dict "root" . "service" "" "kind" "check") | fromYaml) "RAPPORT_API_KEY") -}}
{{- $said = append $said "Set secrets.RAPPORT_API_KEY, or check.enabled: false: the check after the install calls the APIs with it." -}}
{{- end -}}
{{- end -}}

{{- $said = concat $said (include "rapport.lacking" . | fromYamlArray) -}}
{{- if $said -}}
{{- fail (printf "\n\n%s\n" (join "\n" ($said | uniq))) -}}
{{- end -}}
{{- end -}}

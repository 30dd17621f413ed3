{{/* What a schema cannot say. Each complaint names the value and what to do. */}}

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
  "mongodb" "secrets.RAPPORT_MONGO" -}}
{{- range $old, $new := $renamed -}}
{{- if hasKey $.Values $old -}}
{{- $said = append $said (printf "`%s` is `%s` in this chart (deploy/helm/rapport/UPGRADING.md)." $old $new) -}}
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
{{- range $place := $places -}}
{{- range $of := list "settings" "secrets" "files" -}}
{{- range $name, $value := index $place.values $of -}}
{{- $at := printf "%s%s.%s" $place.at $of $name -}}
{{- $variable := index $known $name -}}
{{- if kindIs "invalid" $value -}}
{{- else if not (hasKey $known $name) -}}
{{- $said = append $said (printf "%s: no service knows %s; docs/operating.md lists the variables." $at $name) -}}
{{- else if $variable.value -}}
{{- $said = append $said (printf "%s: the chart sets it by `%s`." $at $variable.value) -}}
{{- else if and (eq $of "settings") $variable.secret (or (ne $name "RAPPORT_MONGO") (contains "@" (toString $value))) -}}
{{- $said = append $said (printf "%s: it is a secret; put it into a Secret and name that: %ssecrets.%s: {secret: rapport, key: …}." $at $place.at $name) -}}
{{- else if and (eq $of "settings") $variable.file (ne (toString $value) "") -}}
{{- $said = append $said (printf "%s: it names a file, which no pod has: give the file under %sfiles.%s." $at $place.at $name) -}}
{{- else if and (eq $of "files") (not $variable.file) -}}
{{- $said = append $said (printf "%s: it is no file; use %ssettings.%s." $at $place.at $name) -}}
{{- else if and $place.service $variable.services (not (has $place.service $variable.services)) -}}
{{- $said = append $said (printf "%s: %s does not read it; %s does." $at $place.service (join ", " $variable.services)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
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
{{- $here := dict "root" $ "service" $service "kind" "api" -}}
{{- $settings := include "rapport.settings" $here | fromYaml -}}
{{- $secrets := include "rapport.secrets" $here | fromYaml -}}
{{- range $name, $variable := $known -}}
{{- if and $variable.required (not (hasKey $settings $name)) (not (hasKey $secrets $name)) (not (hasKey $secrets (default "" $variable.instead))) -}}
{{- $how := printf "settings.%s" $name -}}
{{- if $variable.secret -}}{{- $how = printf "secrets.%s: {secret: …, key: …}" $name -}}{{- end -}}
{{- $said = append $said (printf "Set %s: %s." $how $variable.meaning) -}}
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
{{- $own := hasKey (index $.Values.services $service).worker "replicas" -}}
{{- $at := ternary (printf "services.%s.worker.replicas" $service) "workers.replicas" $own -}}
{{- $said = append $said (printf "%s is %d and there are %d partitions: %s" $at $replicas $partitions $grow) -}}
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

{{- include "rapport.lookedFor" (dict "root" . "said" $said) -}}
{{- end -}}

{{/* Fails with all that was said, and, where helm talks to a cluster, with Secrets and keys that it lacks. */}}
{{- define "rapport.lookedFor" -}}
{{- $root := .root -}}
{{- $said := .said -}}
{{- $namespace := $root.Release.Namespace -}}
{{- if and $root.Values.lookForSecrets (lookup "v1" "ServiceAccount" $namespace "default") -}}
{{- $asked := dict -}}
{{- range $service := splitList " " (include "rapport.services" $root) -}}
{{- $here := dict "root" $root "service" $service "kind" "api" -}}
{{- $made := list (include "rapport.kafkaUser" $here) (ternary $root.Values.externalSecrets.name "" $root.Values.externalSecrets.enabled) -}}
{{- range $from := list (include "rapport.secrets" $here | fromYaml) (include "rapport.filesHere" $here | fromYaml) -}}
{{- range $name, $value := $from -}}
{{- if and $value.secret (not (has $value.secret $made)) -}}
{{- $_ := set $asked (printf "%s/%s" $value.secret ($value.key | default "")) (dict "variable" $name "secret" $value.secret "key" ($value.key | default "")) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $asked -}}
{{- $found := lookup "v1" "Secret" $namespace .secret -}}
{{- if not $found -}}
{{- $said = append $said (printf "%s: there is no Secret %s in namespace %s." .variable .secret $namespace) -}}
{{- else if and .key (not (hasKey ($found.data | default dict) .key)) -}}
{{- $said = append $said (printf "%s: the Secret %s in namespace %s has no key %s." .variable .secret $namespace .key) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if $said -}}
{{- fail (printf "\n\n%s\n" (join "\n" ($said | uniq))) -}}
{{- end -}}
{{- end -}}

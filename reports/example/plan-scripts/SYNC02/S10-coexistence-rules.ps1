<#
.SYNOPSIS
    S10: the two coexistence rules, on SYNC02.
.DESCRIPTION
    The inbound rule marks every cloud group without a mail address (cloudNoFlow). The outbound rule joins marked groups
    and lets nothing flow but references: so Connect keeps the groups joined, and neither writes nor deletes them, when
    group writeback V2 goes off. Without both rules the next cycle after that may delete the groups.
    Run it in Windows PowerShell 5.1 on this Connect server, as a member of ADSyncAdmins. A rule that is there already is
    left as it is. Rules are each server's own: standby servers need them as well.
    Precedences are those that were free when the plan was made; one that was taken since stops the script.
#>
[CmdletBinding(SupportsShouldProcess = $true, ConfirmImpact = 'Medium')]
param(
    [string]$OutFile = 'S10-evidence.json',
    [string]$Nonce = 'GROUPSHIFT-NONCE',
    [switch]$Force
)

Set-StrictMode -Version 2
$ErrorActionPreference = 'Stop'
$PlannedServer = 'SYNC02'
$PlanHash = 'b5b2fc5d7056d23f4b9291038b9dbdc7f9bceba3657dfd57d0e7958f105e8ceb'
$Done = New-Object System.Collections.ArrayList
$Evidence = [ordered]@{}

# A property by the first of these names that the object has; $null where it has none of them.
function Get-Value($Object, [string[]]$Names) {
    if ($null -eq $Object) { return $null }
    foreach ($Name in $Names) {
        $Property = $Object.PSObject.Properties[$Name]
        if ($null -ne $Property) { return $Property.Value }
    }
    return $null
}

function Add-Note([string]$Text) {
    [void]$Done.Add($Text)
    Write-Host $Text
}

# What the server says of itself now, so that the evidence can be held against live state.
function Get-ServerState {
    $State = [ordered]@{}
    $Scheduler = Get-ADSyncScheduler
    foreach ($Name in @('SyncCycleEnabled', 'StagingModeEnabled', 'SchedulerSuspended', 'SyncCycleInProgress', 'MaintenanceEnabled')) {
        $Value = Get-Value $Scheduler @($Name)
        if ($null -ne $Value) { $Value = [System.Convert]::ToBoolean($Value) }
        $State[$Name] = $Value
    }
    foreach ($Name in @('NextSyncCyclePolicyType', 'CurrentlyEffectiveSyncCycleInterval')) {
        $State[$Name] = [string](Get-Value $Scheduler @($Name))
    }
    $Feature = Get-ADSyncAADCompanyFeature
    foreach ($Name in @('GroupWritebackV2', 'UnifiedGroupWriteback')) {
        $Value = Get-Value $Feature @($Name)
        if ($null -ne $Value) { $Value = [System.Convert]::ToBoolean($Value) }
        $State[$Name] = $Value
    }
    return $State
}

# The rules that matter here, as they are.
function Get-RuleState {
    foreach ($Rule in @(Get-ADSyncRule)) {
        $Flows = @()
        foreach ($Flow in @(Get-Value $Rule @('AttributeFlowMappings'))) {
            if ($null -eq $Flow) { continue }
            $Flows += @{
                destination = [string](Get-Value $Flow @('Destination'))
                flowType    = [string](Get-Value $Flow @('FlowType'))
                source      = [string](Get-Value $Flow @('Source'))
                mergeType   = [string](Get-Value $Flow @('ValueMergeType'))
            }
        }
        $Scope = @()
        foreach ($Group in @(Get-Value $Rule @('ScopeFilter'))) {
            if ($null -eq $Group) { continue }
            $Conditions = @()
            foreach ($Condition in @(Get-Value $Group @('ScopeConditionList'))) {
                if ($null -eq $Condition) { continue }
                $Conditions += @{
                    attribute = [string](Get-Value $Condition @('Attribute'))
                    operator  = [string](Get-Value $Condition @('ComparisonOperator'))
                    value     = [string](Get-Value $Condition @('ComparisonValue'))
                }
            }
            $Scope += @{ conditions = @($Conditions) }
        }
        $Text = ($Flows + $Scope) | ConvertTo-Json -Depth 6 -Compress
        if ([string]$Text -notmatch 'cloudNoFlow|reasonFiltered') { continue }
        @{
            id         = [string]$Rule.Identifier
            name       = [string]$Rule.Name
            direction  = [string]$Rule.Direction
            connector  = [string]$Rule.Connector
            sourceObjectType = [string]$Rule.SourceObjectType
            targetObjectType = [string]$Rule.TargetObjectType
            linkType   = [string]$Rule.LinkType
            precedence = [int]$Rule.Precedence
            disabled   = [bool](Get-Value $Rule @('Disabled'))
            flows      = @($Flows)
            scope      = @($Scope)
        }
    }
}

# Waits until no cycle runs; an endless one ends the script, which can be run again.
function Wait-SyncCycle([int]$Minutes) {
    $End = [DateTime]::UtcNow.AddMinutes($Minutes)
    while ([System.Convert]::ToBoolean((Get-Value (Get-ADSyncScheduler) @('SyncCycleInProgress')))) {
        if ([DateTime]::UtcNow -gt $End) { throw "A cycle is still running after $Minutes minutes. Look at it, then run this script again." }
        Start-Sleep -Seconds 10
    }
}

function Write-Evidence {
    $Record = [ordered]@{
        schema       = 'groupshift/connect-evidence/v1'
        plan         = $PlanHash
        step         = 'S10'
        kind         = 'coexistence-rules'
        nonce        = $Nonce
        computerName = [Environment]::MachineName
        at           = [DateTime]::UtcNow.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", [Globalization.CultureInfo]::InvariantCulture)
        whatIf       = [bool]$WhatIfPreference
        done         = @($Done.ToArray())
        state        = Get-ServerState
        rules        = @(Get-RuleState)
        detail       = $Evidence
    }
    $Target = $ExecutionContext.SessionState.Path.GetUnresolvedProviderPathFromPSPath($OutFile)
    if ($WhatIfPreference) {
        Write-Host "WhatIf: the evidence would be written to $Target"
        return
    }
    $Json = $Record | ConvertTo-Json -Depth 12
    [IO.File]::WriteAllText($Target, $Json, (New-Object System.Text.UTF8Encoding($false)))
    Write-Host "Evidence: $Target"
}

$Short = @($PlannedServer -split '\.')[0]
if ([Environment]::MachineName -ne $Short) {
    throw "This script is for $PlannedServer. This is $([Environment]::MachineName)."
}
$Target = $ExecutionContext.SessionState.Path.GetUnresolvedProviderPathFromPSPath($OutFile)
if ((Test-Path -LiteralPath $Target) -and -not $Force) {
    throw "$Target exists. Name another file with -OutFile, or replace it with -Force."
}
Import-Module -Name ADSync

$Staging = [System.Convert]::ToBoolean((Get-Value (Get-ADSyncScheduler) @('StagingModeEnabled')))
if (-not $Staging) { throw 'This server is not in staging mode. Rules are changed in staging mode only.' }
if ([System.Convert]::ToBoolean((Get-Value (Get-ADSyncScheduler) @('SyncCycleInProgress')))) { Wait-SyncCycle 240 }
$Metaverse = Get-ADSyncSchema
$Known = @()
foreach ($Attribute in @(Get-Value $Metaverse @('AttributeTypes', 'Attributes'))) {
    $Known += [string](Get-Value $Attribute @('Name', 'Id', 'Identifier'))
}
if ($Known.Count -gt 0 -and $Known -notcontains 'cloudNoFlow') { throw 'The metaverse has no attribute cloudNoFlow: this Connect is too old for the rules.' }

function Get-RuleById([string]$Identifier) {
    foreach ($Rule in @(Get-ADSyncRule)) {
        if ([string]$Rule.Identifier -eq $Identifier) { return $Rule }
    }
    return $null
}

function Assert-FreePrecedence([int]$Precedence) {
    foreach ($Rule in @(Get-ADSyncRule)) {
        if ([int]$Rule.Precedence -eq $Precedence) { throw "Precedence $Precedence is taken by '$($Rule.Name)'. Plan again." }
    }
}

function New-GroupRule([hashtable]$Values) {
    $Parameters = @{
        Name                     = $Values.Name
        Identifier               = $Values.Identifier
        Description              = 'groupshift: keeps Connect from writing or deleting groups that Cloud Sync maintains.'
        Direction                = $Values.Direction
        Precedence               = $Values.Precedence
        PrecedenceAfter          = '00000000-0000-0000-0000-000000000000'
        PrecedenceBefore         = '00000000-0000-0000-0000-000000000000'
        SourceObjectType         = 'group'
        TargetObjectType         = 'group'
        Connector                = $Values.Connector
        LinkType                 = $Values.LinkType
        SoftDeleteExpiryInterval = 0
        ImmutableTag             = ''
    }
    return @(New-ADSyncRule @Parameters)[0]
}

function New-Condition([string]$Attribute, [string]$Value, [string]$Operator) {
    return New-Object -TypeName 'Microsoft.IdentityManagement.PowerShell.ObjectModel.ScopeCondition' -ArgumentList $Attribute, $Value, $Operator
}

$Inbound = @{
    Name       = 'In from AAD - Group SOAinAAD coexistence with Cloud Sync'
    Identifier = 'e4eae1c9-b9bc-4328-ade9-df871cdd3027'
    Direction  = 'Inbound'
    Precedence = 89
    Connector  = 'b891884f-051e-4a83-95af-2544101c9083'
    LinkType   = 'Join'
}
if ($null -ne (Get-RuleById $Inbound.Identifier)) {
    Add-Note 'The inbound rule is there; it is left as it is.'
} else {
    Assert-FreePrecedence $Inbound.Precedence
    if ($PSCmdlet.ShouldProcess($Inbound.Name, 'Add the inbound rule')) {
        $Rule = New-GroupRule $Inbound
        [void](Add-ADSyncAttributeFlowMapping -SynchronizationRule $Rule -Source @('true') -Destination 'cloudNoFlow' -FlowType 'Constant' -ValueMergeType 'Update')
        $Conditions = @(
            (New-Condition 'cloudMastered' 'true' 'EQUAL')
            (New-Condition 'mail' '' 'ISNULL')
        )
        [void](Add-ADSyncScopeConditionGroup -SynchronizationRule $Rule -ScopeConditions $Conditions)
        [void](Add-ADSyncRule -SynchronizationRule $Rule)
        if ($null -eq (Get-RuleById $Inbound.Identifier)) { throw 'The inbound rule was not stored.' }
        Add-Note 'The inbound rule was added.'
    }
}

$Outbound = @{
    Name       = 'Out to AD - Group SOAinAAD coexistence with Cloud Sync'
    Identifier = '419fda18-75bb-4e23-b947-8b06e7246551'
    Direction  = 'Outbound'
    Precedence = 90
    Connector  = '3d6a1f0c-52be-4c8e-a1d7-94e0b7f25c31'
    LinkType   = 'JoinNoFlow'
}
if ($null -ne (Get-RuleById $Outbound.Identifier)) {
    Add-Note 'The outbound rule is there; it is left as it is.'
} else {
    Assert-FreePrecedence $Outbound.Precedence
    if ($PSCmdlet.ShouldProcess($Outbound.Name, 'Add the outbound rule')) {
        $Rule = New-GroupRule $Outbound
        $Conditions = @((New-Condition 'cloudNoFlow' 'true' 'EQUAL'))
        [void](Add-ADSyncScopeConditionGroup -SynchronizationRule $Rule -ScopeConditions $Conditions)
        [void](Add-ADSyncRule -SynchronizationRule $Rule)
        if ($null -eq (Get-RuleById $Outbound.Identifier)) { throw 'The outbound rule was not stored.' }
        Add-Note 'The outbound rule was added.'
    }
}
Write-Evidence
